//! A gateway's own ExtProc plugin, as AIBrix has it behind the router: it reads the model from the body and chooses by it.

use futures_util::{StreamExt, stream::BoxStream};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming, transport::Server};
use trackside_extproc::proto::{
    BodyResponse, CommonResponse, HeaderMutation, HeaderValue, HeaderValueOption, HeadersResponse, HttpBody,
    ProcessingRequest, ProcessingResponse, TrailersResponse,
    external_processor_server::{ExternalProcessor, ExternalProcessorServer},
    processing_request::Request as Asked,
    processing_response::Response as Answered,
};

/// Request header by which the plugin tells the model that it read.
pub const PLUGIN_SAW: &str = "x-plugin-saw";

/// The running plugin. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Plugin {
    pub(crate) async fn start() -> Plugin {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let service = ExternalProcessorServer::new(Reader).max_decoding_message_size(usize::MAX);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("the plugin serves");
        });
        Plugin { address, _serving: serving }
    }
}

#[derive(Debug)]
struct Reader;

#[tonic::async_trait]
impl ExternalProcessor for Reader {
    type ProcessStream = BoxStream<'static, Result<ProcessingResponse, Status>>;

    async fn process(
        &self,
        request: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Self::ProcessStream>, Status> {
        Ok(Response::new(request.into_inner().map(|message| message.map(answer)).boxed()))
    }
}

fn answer(message: ProcessingRequest) -> ProcessingResponse {
    let answer = match message.request.expect("a message says what it is") {
        Asked::RequestHeaders(_) => Answered::RequestHeaders(HeadersResponse::default()),
        Asked::ResponseHeaders(_) => Answered::ResponseHeaders(HeadersResponse::default()),
        Asked::RequestBody(body) => Answered::RequestBody(BodyResponse { response: Some(told(&body)) }),
        Asked::ResponseBody(_) => Answered::ResponseBody(BodyResponse::default()),
        Asked::RequestTrailers(_) => Answered::RequestTrailers(TrailersResponse::default()),
        Asked::ResponseTrailers(_) => Answered::ResponseTrailers(TrailersResponse::default()),
    };
    ProcessingResponse { response: Some(answer), ..ProcessingResponse::default() }
}

fn told(body: &HttpBody) -> CommonResponse {
    let model = serde_json::from_slice::<Value>(&body.body).ok();
    let model = model.and_then(|body| body["model"].as_str().map(str::to_owned)).unwrap_or_default();
    let header = HeaderValue { key: PLUGIN_SAW.to_owned(), value: String::new(), raw_value: model.into() };
    let set = HeaderValueOption { header: Some(header), ..HeaderValueOption::default() };
    let header_mutation = Some(HeaderMutation { set_headers: vec![set], remove_headers: Vec::new() });
    CommonResponse { header_mutation, ..CommonResponse::default() }
}
