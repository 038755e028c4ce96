//! What the service tells about its streams.

use crate::{
    admission::Shed,
    encoding::{Encoding, Undecodable},
    proto::{ProcessingResponse, body_mutation::Mutation, processing_request::Request, processing_response::Response},
};
use std::time::Duration;
use tonic::Code;
use trackside_routing::Answer;

/// Receives what happens on processing streams. Called on the request path: count, do not wait.
pub trait Observer: Send + Sync + 'static {
    /// A stream was opened. [`Observer::closed`] follows exactly once.
    fn opened(&self);
    /// A message came in.
    fn message(&self, kind: MessageKind);
    /// A message was dealt with, without the time of a decision about it.
    fn handled(&self, _kind: MessageKind, _took: Duration) {}
    /// A request is complete, `took` after its first message.
    fn collected(&self, _took: Duration) {}
    /// A decision was made, `took` after its request was complete.
    fn decided(&self, answer: &Answer, took: Duration);
    /// Bytes of a body came in or went out.
    fn body(&self, _flow: Flow, _bytes: usize) {}
    /// The bytes that are held of request bodies have changed.
    fn held(&self, _change: i64) {}
    /// A request body was compressed; `outcome` tells what became of it.
    fn coded(&self, _encoding: Option<Encoding>, _outcome: Decoded) {}
    /// A request was refused to protect the others.
    fn shed(&self, _why: Shed) {}
    /// An LLM call goes on without a decision.
    fn undecided(&self, _why: Undecided) {}
    /// A stream is gone, `open` after it was opened.
    fn closed(&self, outcome: Outcome, open: Duration);
}

/// How a stream ended, by what was answered on it: a gateway ends a finished stream and an abandoned one alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that had been asked was left without an answer.
    Completed,
    /// The client got an answer from here.
    Answered,
    /// The gateway only showed the exchange and expected no answers.
    Observed,
    /// The gateway gave up while an answer was owed.
    Cancelled,
    /// The stream ended with this error.
    Failed(Code),
}

impl Outcome {
    /// The text form for metrics; codes of failures are left out.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Answered => "answered",
            Outcome::Observed => "observed",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed(_) => "failed",
        }
    }
}

/// Which way the bytes of a body go, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A request body comes in.
    RequestReceived,
    /// A request body goes back.
    RequestSent,
    /// A response body comes in.
    ResponseReceived,
    /// A response body goes back; answers to the client from here count too.
    ResponseSent,
}

impl Flow {
    /// The text form for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Flow::RequestReceived => "request_received",
            Flow::RequestSent => "request_sent",
            Flow::ResponseReceived => "response_received",
            Flow::ResponseSent => "response_sent",
        }
    }

    /// The bytes of a body that came with a message.
    pub(crate) fn into(request: &Request) -> Option<(Flow, usize)> {
        match request {
            Request::RequestBody(body) => Some((Flow::RequestReceived, body.body.len())),
            Request::ResponseBody(body) => Some((Flow::ResponseReceived, body.body.len())),
            _ => None,
        }
    }

    /// The bytes of a body that go with an answer.
    pub(crate) fn out_of(answer: &ProcessingResponse) -> Option<(Flow, usize)> {
        let (flow, body) = match answer.response.as_ref()? {
            Response::RequestBody(body) => (Flow::RequestSent, body),
            Response::ResponseBody(body) => (Flow::ResponseSent, body),
            Response::ImmediateResponse(immediate) => return Some((Flow::ResponseSent, immediate.body.len())),
            _ => return None,
        };
        match body.response.as_ref()?.body_mutation.as_ref()?.mutation.as_ref()? {
            Mutation::Body(bytes) => Some((flow, bytes.len())),
            Mutation::StreamedResponse(piece) => Some((flow, piece.body.len())),
            Mutation::ClearBody(_) => None,
        }
    }
}

/// What became of a compressed body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// It was decoded.
    Whole,
    /// Its encoding is not known here.
    Unsupported,
    /// It is not what its header says.
    Corrupt,
    /// It is too long when decoded.
    TooLarge,
    /// There was no room for it.
    Shed,
}

impl Decoded {
    /// The text form for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Decoded::Whole => "decoded",
            Decoded::Unsupported => "unsupported",
            Decoded::Corrupt => "corrupt",
            Decoded::TooLarge => "too_large",
            Decoded::Shed => "shed",
        }
    }
}

impl From<Undecodable> for Decoded {
    fn from(why: Undecodable) -> Decoded {
        match why {
            Undecodable::Corrupt => Decoded::Corrupt,
            Undecodable::TooLarge => Decoded::TooLarge,
            Undecodable::Shed(_) => Decoded::Shed,
        }
    }
}

/// Why nothing could be decided about an LLM call that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The gateway shows no request bodies.
    NoBody,
    /// The gateway showed only the beginning of the body.
    PartialBody,
}

impl Undecided {
    /// The text form for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Undecided::NoBody => "no_body",
            Undecided::PartialBody => "partial_body",
        }
    }
}

/// What a gateway sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Request headers.
    RequestHeaders,
    /// A request body or a piece of one.
    RequestBody,
    /// Request trailers.
    RequestTrailers,
    /// Response headers.
    ResponseHeaders,
    /// A response body or a piece of one.
    ResponseBody,
    /// Response trailers.
    ResponseTrailers,
    /// A kind that a newer gateway knows and we do not.
    Unknown,
}

impl MessageKind {
    pub(crate) fn of(request: Option<&Request>) -> MessageKind {
        match request {
            Some(Request::RequestHeaders(_)) => MessageKind::RequestHeaders,
            Some(Request::RequestBody(_)) => MessageKind::RequestBody,
            Some(Request::RequestTrailers(_)) => MessageKind::RequestTrailers,
            Some(Request::ResponseHeaders(_)) => MessageKind::ResponseHeaders,
            Some(Request::ResponseBody(_)) => MessageKind::ResponseBody,
            Some(Request::ResponseTrailers(_)) => MessageKind::ResponseTrailers,
            None => MessageKind::Unknown,
        }
    }

    /// The text form for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MessageKind::RequestHeaders => "request_headers",
            MessageKind::RequestBody => "request_body",
            MessageKind::RequestTrailers => "request_trailers",
            MessageKind::ResponseHeaders => "response_headers",
            MessageKind::ResponseBody => "response_body",
            MessageKind::ResponseTrailers => "response_trailers",
            MessageKind::Unknown => "unknown",
        }
    }
}
