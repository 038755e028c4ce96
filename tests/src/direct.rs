//! A gateway in a few lines: speaks ExtProc to a processor without Envoy between.

use bytes::Bytes;
use std::net::SocketAddr;
use tokio::sync::mpsc;
use tonic::{Status, Streaming, transport::Channel};
use trackside_extproc::proto::{
    BodySendMode, HeaderMap, HeaderMutation, HeaderValue, HttpBody, HttpHeaders, ProcessingRequest, ProcessingResponse,
    ProtocolConfiguration, body_mutation::Mutation, external_processor_client::ExternalProcessorClient,
    processing_request::Request, processing_response::Response,
};

/// A connection to a processor.
#[derive(Clone, Debug)]
pub struct Gateway(ExternalProcessorClient<Channel>);

/// What a processor made of a request.
#[derive(Debug)]
pub struct Verdict {
    /// Status of the answer that goes to the client at once, if one does.
    pub immediate: Option<i32>,
    /// The body that goes on, if it is not the one that was sent.
    pub body: Option<Bytes>,
}

/// What a processor made of a request and of its answer.
#[derive(Debug)]
pub struct Passage {
    pub verdict: Verdict,
    /// Headers that it has set on the request, or on the answer that goes to the client at once.
    pub request: Vec<(String, String)>,
    /// Headers that it has set on the answer of the model.
    pub response: Vec<(String, String)>,
}

impl Gateway {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(to: SocketAddr) -> Result<Gateway, tonic::transport::Error> {
        let client = ExternalProcessorClient::connect(format!("http://{to}")).await?;
        Ok(Gateway(client.max_decoding_message_size(usize::MAX).max_encoding_message_size(usize::MAX)))
    }

    /// Asks about one chat completion, as a gateway does that buffers request bodies and shows no answers.
    ///
    /// # Errors
    /// When the processor ends the stream instead of answering.
    pub async fn ask(&mut self, body: Bytes) -> Result<Verdict, Status> {
        let (sender, receiver) = mpsc::channel(1);
        // A full channel cannot be: each message is sent after the one before was answered.
        let _ = sender.try_send(headers(body.len(), &[]));
        let mut answers = self.0.process(tokio_stream::wrappers::ReceiverStream::new(receiver)).await?.into_inner();
        let first = next(&mut answers).await?;
        if let Some(Response::ImmediateResponse(_)) = first.response {
            return Ok(verdict(first));
        }
        let _ = sender.try_send(message(Request::RequestBody(HttpBody { body, end_of_stream: true })));
        next(&mut answers).await.map(verdict)
    }

    /// The same with more headers, and with the headers of an answer behind it.
    ///
    /// # Errors
    /// When the processor ends the stream instead of answering.
    pub async fn pass(&mut self, more: &[(&str, &str)], body: Bytes) -> Result<Passage, Status> {
        let (sender, receiver) = mpsc::channel(1);
        let _ = sender.try_send(headers(body.len(), more));
        let mut answers = self.0.process(tokio_stream::wrappers::ReceiverStream::new(receiver)).await?.into_inner();
        let mut answer = next(&mut answers).await?;
        if !matches!(answer.response, Some(Response::ImmediateResponse(_))) {
            let _ = sender.try_send(message(Request::RequestBody(HttpBody { body, end_of_stream: true })));
            answer = next(&mut answers).await?;
        }
        let request = set(&answer);
        let verdict = verdict(answer);
        if verdict.immediate.is_some() {
            return Ok(Passage { verdict, request, response: Vec::new() });
        }
        let headers = HeaderMap { headers: vec![header(":status", "200"), header("content-type", "application/json")] };
        let answered = Request::ResponseHeaders(HttpHeaders { headers: Some(headers), end_of_stream: false });
        let _ = sender.try_send(message(answered));
        let response = set(&next(&mut answers).await?);
        Ok(Passage { verdict, request, response })
    }
}

impl Passage {
    /// The value of a header that the client sees.
    pub fn told(&self, name: &str) -> Option<&str> {
        let headers = if self.verdict.immediate.is_some() { &self.request } else { &self.response };
        headers.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str())
    }
}

/// The next answer; a message that only asks for more time is none.
async fn next(answers: &mut Streaming<ProcessingResponse>) -> Result<ProcessingResponse, Status> {
    while let Some(answer) = answers.message().await? {
        if answer.response.is_some() {
            return Ok(answer);
        }
    }
    Err(Status::aborted("the processor ended the stream before it answered"))
}

fn message(request: Request) -> ProcessingRequest {
    ProcessingRequest { request: Some(request), ..ProcessingRequest::default() }
}

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: String::new(), raw_value: Bytes::copy_from_slice(value.as_bytes()) }
}

fn headers(length: usize, more: &[(&str, &str)]) -> ProcessingRequest {
    let mut headers = vec![
        header(":method", "POST"),
        header(":path", "/v1/chat/completions"),
        header(":authority", "localhost"),
        header("content-type", "application/json"),
        header("content-length", &length.to_string()),
    ];
    headers.extend(more.iter().map(|(name, value)| header(name, value)));
    ProcessingRequest {
        protocol_config: Some(ProtocolConfiguration {
            request_body_mode: BodySendMode::Buffered.into(),
            response_body_mode: BodySendMode::None.into(),
            send_body_without_waiting_for_header_response: false,
        }),
        ..message(Request::RequestHeaders(HttpHeaders { headers: Some(HeaderMap { headers }), end_of_stream: false }))
    }
}

/// The headers that an answer sets.
fn set(answer: &ProcessingResponse) -> Vec<(String, String)> {
    let mutation: Option<&HeaderMutation> = match &answer.response {
        Some(Response::ImmediateResponse(reply)) => reply.headers.as_ref(),
        Some(Response::RequestBody(reply)) => {
            reply.response.as_ref().and_then(|common| common.header_mutation.as_ref())
        }
        Some(Response::ResponseHeaders(reply)) => {
            reply.response.as_ref().and_then(|common| common.header_mutation.as_ref())
        }
        _ => None,
    };
    let set = mutation.into_iter().flat_map(|mutation| &mutation.set_headers).filter_map(|set| set.header.as_ref());
    let text = |set: &HeaderValue| String::from_utf8_lossy(&set.raw_value).into_owned() + &set.value;
    set.map(|set| (set.key.clone(), text(set))).collect()
}

fn verdict(answer: ProcessingResponse) -> Verdict {
    let (immediate, body) = match answer.response {
        Some(Response::ImmediateResponse(reply)) => (Some(reply.status.map_or(200, |status| status.code)), None),
        Some(Response::RequestBody(reply)) => (None, reply.response.and_then(|common| common.body_mutation)),
        _ => (None, None),
    };
    let body = match body.and_then(|body| body.mutation) {
        Some(Mutation::Body(bytes)) => Some(bytes),
        _ => None,
    };
    Verdict { immediate, body }
}
