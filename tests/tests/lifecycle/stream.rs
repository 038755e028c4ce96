//! Streams of a gateway that sends a request in two halves.

use bytes::Bytes;
use futures_util::future::join_all;
use std::net::SocketAddr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;
use trackside_extproc::proto::{
    BodySendMode, HeaderMap, HeaderValue, HttpBody, HttpHeaders, ProcessingRequest, ProcessingResponse,
    ProtocolConfiguration, external_processor_client::ExternalProcessorClient, processing_request::Request,
    processing_response::Response,
};

/// How many connections share the streams: a server takes 200 on one of them at once.
const CONNECTIONS: usize = 10;

/// Connections to a router.
pub(crate) struct Connections(Vec<ExternalProcessorClient<Channel>>);

/// A stream on which half a request was sent. Dropping it resets the stream.
pub(crate) struct Half {
    number: usize,
    rest: Bytes,
    sender: mpsc::Sender<ProcessingRequest>,
    /// Reads answers until the model is known, and hands them on.
    reading: JoinSet<Result<(String, Answers), Status>>,
}

type Answers = tonic::Streaming<ProcessingResponse>;

/// The model that the request with this number is for.
pub(crate) fn goes_to(number: usize) -> &'static str {
    if number.is_multiple_of(2) { "large" } else { "small" }
}

impl Connections {
    pub(crate) async fn open(to: SocketAddr) -> Connections {
        let connect = || ExternalProcessorClient::connect(format!("http://{to}"));
        let clients = join_all((0..CONNECTIONS).map(|_| connect())).await;
        Connections(clients.into_iter().collect::<Result<_, _>>().expect("the router listens"))
    }

    /// Sends the first half of a request.
    pub(crate) fn ask_half(&self, number: usize) -> Half {
        let text = format!("a {} one, number {number}", if goes_to(number) == "large" { "large" } else { "tiny" });
        self.send(number, &text)
    }

    /// Sends a whole request.
    pub(crate) fn ask(&self, text: &str) -> Half {
        let half = self.send(0, text);
        half.complete();
        half
    }

    fn send(&self, number: usize, text: &str) -> Half {
        let body = serde_json::json!({"model": "auto", "messages": [{"role": "user", "content": text}]}).to_string();
        let (first, rest) = body.split_at(body.len() / 2);
        let (sender, receiver) = mpsc::channel(4);
        for message in [headers(), piece(first.to_owned().into(), false)] {
            sender.try_send(message).expect("there is room for three messages");
        }
        let mut client = self.0[number % CONNECTIONS].clone();
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut answers = client.process(ReceiverStream::new(receiver)).await?.into_inner();
            let answer = answers.message().await?.ok_or_else(|| Status::aborted("it ended without an answer"))?;
            Ok((model(answer)?, answers))
        });
        Half { number, rest: rest.to_owned().into(), sender, reading }
    }
}

impl Half {
    /// Whether there is no answer yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.reading.len() == 1
    }

    /// Sends the other half.
    pub(crate) fn complete(&self) {
        self.sender.try_send(piece(self.rest.clone(), true)).expect("there is room for three messages");
    }

    /// The model that the request was sent to.
    pub(crate) async fn model(mut self) -> (usize, Result<String, Status>) {
        (self.number, self.read().await.map(|(model, _)| model))
    }

    /// The same, once the stream has ended well.
    pub(crate) async fn end(mut self) -> (usize, Result<String, Status>) {
        let number = self.number;
        let ended = async {
            let (model, mut answers) = self.read().await?;
            while answers.message().await?.is_some() {}
            Ok(model)
        };
        (number, ended.await)
    }

    async fn read(&mut self) -> Result<(String, Answers), Status> {
        self.reading.join_next().await.expect("somebody reads").expect("it is not stopped")
    }
}

/// The model named in the answer to the request's headers, which in duplex mode comes when all is decided.
fn model(answer: ProcessingResponse) -> Result<String, Status> {
    let Some(Response::RequestHeaders(headers)) = answer.response else {
        return Err(Status::aborted(format!("it begins with {answer:?}")));
    };
    let set = headers.response.and_then(|common| common.header_mutation).map(|edits| edits.set_headers);
    let mut headers = set.into_iter().flatten().filter_map(|option| option.header);
    let selected = headers.find(|header| header.key == "x-selected-model");
    let selected = selected.ok_or_else(|| Status::aborted("it names no model"))?;
    Ok(String::from_utf8_lossy(&selected.raw_value).into_owned())
}

fn headers() -> ProcessingRequest {
    let header = |(key, value): (&str, &'static str)| HeaderValue {
        key: key.to_owned(),
        value: String::new(),
        raw_value: Bytes::from_static(value.as_bytes()),
    };
    let headers = [(":method", "POST"), (":path", "/v1/chat/completions"), ("content-type", "application/json")];
    let headers = HeaderMap { headers: headers.into_iter().map(header).collect() };
    ProcessingRequest {
        request: Some(Request::RequestHeaders(HttpHeaders { headers: Some(headers), end_of_stream: false })),
        protocol_config: Some(ProtocolConfiguration {
            request_body_mode: BodySendMode::FullDuplexStreamed.into(),
            response_body_mode: BodySendMode::None.into(),
            send_body_without_waiting_for_header_response: false,
        }),
        ..ProcessingRequest::default()
    }
}

fn piece(body: Bytes, end_of_stream: bool) -> ProcessingRequest {
    let request = Request::RequestBody(HttpBody { body, end_of_stream });
    ProcessingRequest { request: Some(request), ..ProcessingRequest::default() }
}
