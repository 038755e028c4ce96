//! A processor that does nothing but the protocol: each message is answered at once, and the body gets another model name.

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use std::net::SocketAddr;
use tokio_stream::StreamExt;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};
use trackside_extproc::proto::{
    BodyMutation, BodyResponse, CommonResponse, HeaderMutation, HeaderValue, HeaderValueOption, HeadersResponse,
    ProcessingRequest, ProcessingResponse,
    body_mutation::Mutation,
    external_processor_server::{ExternalProcessor, ExternalProcessorServer},
    processing_request::Request as Asked,
    processing_response::Response as Answered,
};

/// What every body of this bench starts with, and what it is replaced by.
pub(crate) const ASKED: &[u8] = b"{\"model\":\"auto\"";
const SELECTED: &[u8] = b"{\"model\":\"large\"";

/// Above the largest body of this bench.
const MESSAGE_LIMIT: usize = 16 << 20;

#[derive(Clone, Debug)]
struct Bare;

#[tonic::async_trait]
impl ExternalProcessor for Bare {
    type ProcessStream = BoxStream<'static, Result<ProcessingResponse, Status>>;

    async fn process(
        &self,
        asked: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Self::ProcessStream>, Status> {
        Ok(Response::new(Box::pin(asked.into_inner().map(|message| message.map(fixed)))))
    }
}

fn fixed(message: ProcessingRequest) -> ProcessingResponse {
    let continued = Some(CommonResponse::default());
    let answer = match message.request {
        Some(Asked::RequestBody(piece)) => {
            Answered::RequestBody(BodyResponse { response: Some(rewritten(&piece.body)) })
        }
        Some(Asked::ResponseBody(_)) => Answered::ResponseBody(BodyResponse { response: continued }),
        Some(Asked::ResponseHeaders(_)) => Answered::ResponseHeaders(HeadersResponse { response: continued }),
        _ => Answered::RequestHeaders(HeadersResponse { response: continued }),
    };
    ProcessingResponse { response: Some(answer), ..ProcessingResponse::default() }
}

fn rewritten(body: &[u8]) -> CommonResponse {
    let mut edited = BytesMut::with_capacity(body.len() + 1);
    edited.extend_from_slice(SELECTED);
    edited.extend_from_slice(&body[ASKED.len()..]);
    let set_headers = vec![header("x-selected-model", "large"), header("content-length", &edited.len().to_string())];
    CommonResponse {
        header_mutation: Some(HeaderMutation { set_headers, remove_headers: vec!["x-selected-model".to_owned()] }),
        body_mutation: Some(BodyMutation { mutation: Some(Mutation::Body(edited.freeze())) }),
        clear_route_cache: true,
        ..CommonResponse::default()
    }
}

fn header(key: &str, value: &str) -> HeaderValueOption {
    let raw_value = Bytes::copy_from_slice(value.as_bytes());
    HeaderValueOption {
        header: Some(HeaderValue { key: key.to_owned(), value: String::new(), raw_value }),
        ..HeaderValueOption::default()
    }
}

/// Serves until it is killed, and prints its address first.
pub(crate) async fn serve() {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let incoming = TcpIncoming::bind(anywhere).expect("a free port").with_nodelay(Some(true));
    println!("{}", incoming.local_addr().expect("a bound listener has an address"));
    let service = ExternalProcessorServer::new(Bare).max_decoding_message_size(MESSAGE_LIMIT);
    Server::builder().add_service(service).serve_with_incoming(incoming).await.expect("it serves until it is killed");
}
