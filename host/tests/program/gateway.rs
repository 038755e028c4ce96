//! A gateway in a few lines: it asks about one chat completion over ExtProc.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use trackside_extproc::proto::external_processor_client::ExternalProcessorClient;
use trackside_extproc::proto::{HeaderMap, HeaderValue, HttpBody, HttpHeaders, ProcessingRequest, ProcessingResponse};
use trackside_extproc::proto::{processing_request::Request, processing_response::Response};

/// One stream.
pub(crate) struct Stream {
    sender: mpsc::Sender<ProcessingRequest>,
    answers: Streaming<ProcessingResponse>,
}

impl Stream {
    /// Opens it with the headers of a chat completion and some more.
    pub(crate) async fn open(to: Channel, more: &[(&str, &str)]) -> Result<Stream, Status> {
        let (sender, receiver) = mpsc::channel(4);
        let usual =
            [(":method", "POST"), (":path", "/v1/chat/completions?key=k"), ("content-type", "application/json")];
        sender.try_send(message(Request::RequestHeaders(headers(&[&usual, more].concat())))).unwrap();
        let answers = ExternalProcessorClient::new(to).process(ReceiverStream::new(receiver)).await?.into_inner();
        let mut stream = Stream { sender, answers };
        stream.answer().await?;
        Ok(stream)
    }

    /// Sends the body, and returns the answer to it.
    pub(crate) async fn ask(&mut self, text: &str) -> Result<Response, Status> {
        let body = serde_json::json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        let body = HttpBody { body: body.to_string().into(), end_of_stream: true };
        self.send(Request::RequestBody(body)).await
    }

    /// The response comes, with this status.
    pub(crate) async fn respond(&mut self, status: &str) -> Result<Response, Status> {
        self.send(Request::ResponseHeaders(headers(&[(":status", status)]))).await
    }

    async fn send(&mut self, request: Request) -> Result<Response, Status> {
        self.sender.send(message(request)).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Response, Status> {
        loop {
            let answer = self.answers.message().await?;
            // One without a response asks for more time.
            if let Some(response) = answer.ok_or_else(|| Status::aborted("it ended without an answer"))?.response {
                return Ok(response);
            }
        }
    }
}

fn message(request: Request) -> ProcessingRequest {
    ProcessingRequest { request: Some(request), ..Default::default() }
}

fn headers(headers: &[(&str, &str)]) -> HttpHeaders {
    let header = |(key, value): &(&str, &str)| HeaderValue {
        key: (*key).to_owned(),
        raw_value: value.as_bytes().to_vec().into(),
        ..HeaderValue::default()
    };
    HttpHeaders { headers: Some(HeaderMap { headers: headers.iter().map(header).collect() }), end_of_stream: false }
}
