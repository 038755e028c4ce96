//! What the service tells about its streams.

use crate::proto::processing_request::Request;
use std::time::Duration;
use tonic::Code;
use trackside_routing::Answer;

/// Receives what happens on processing streams. Called on the request path: count, do not wait.
pub trait Observer: Send + Sync + 'static {
    /// A stream was opened. [`Observer::closed`] follows exactly once.
    fn opened(&self);
    /// A message came in.
    fn message(&self, kind: MessageKind);
    /// A decision was made, `took` after its body was complete.
    fn decided(&self, answer: &Answer, took: Duration);
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
