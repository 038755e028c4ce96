//! The answers to a gateway, as messages.

use crate::{
    body,
    proto::{
        BodyMutation, BodyResponse, CommonResponse, HeaderAppendAction, HeaderMutation, HeaderValue, HeaderValueOption,
        HeadersResponse, HttpStatus, ImmediateResponse, ProcessingResponse, StreamedBodyResponse, TrailersResponse,
        body_mutation::Mutation, processing_response::Response,
    },
};
use bytes::Bytes;
use std::{collections::VecDeque, time::Duration};
use trackside_routing::Reply;

/// Answers in the order in which they go out.
pub(crate) type Replies = VecDeque<ProcessingResponse>;

/// One of the two halves of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// Edits of headers.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    pub(crate) set: Vec<(String, String)>,
    pub(crate) remove: Vec<String>,
    pub(crate) clear_route_cache: bool,
}

impl Edits {
    /// Makes other edits too.
    pub(crate) fn also(&mut self, other: Edits) {
        self.set.extend(other.set);
        self.remove.extend(other.remove);
        self.clear_route_cache |= other.clear_route_cache;
    }

    /// The answer that makes these edits, with the body as it is. Gateways refuse to clear the route cache without an edit
    /// beside it.
    pub(crate) fn common(self) -> CommonResponse {
        let header_mutation = mutation(self.set, self.remove);
        let clear_route_cache = self.clear_route_cache && header_mutation.is_some();
        CommonResponse { header_mutation, clear_route_cache, ..CommonResponse::default() }
    }
}

fn mutation(set: Vec<(String, String)>, remove: Vec<String>) -> Option<HeaderMutation> {
    if set.is_empty() && remove.is_empty() {
        return None;
    }
    let set_headers = set.into_iter().map(|(key, value)| overwrite(key, value)).collect();
    Some(HeaderMutation { set_headers, remove_headers: remove })
}

/// Replaces a header, in the two ways that gateways look at: one by the absent `append`, one by the action.
fn overwrite(key: String, value: String) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key, value: String::new(), raw_value: value.into() }),
        append: None,
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        keep_empty_value: false,
    }
}

fn message(response: Response) -> ProcessingResponse {
    ProcessingResponse { response: Some(response), ..ProcessingResponse::default() }
}

pub(crate) fn headers(direction: Direction, common: CommonResponse) -> ProcessingResponse {
    let headers = HeadersResponse { response: Some(common) };
    message(match direction {
        Direction::Request => Response::RequestHeaders(headers),
        Direction::Response => Response::ResponseHeaders(headers),
    })
}

pub(crate) fn body(direction: Direction, common: CommonResponse) -> ProcessingResponse {
    let body = BodyResponse { response: Some(common) };
    message(match direction {
        Direction::Request => Response::RequestBody(body),
        Direction::Response => Response::ResponseBody(body),
    })
}

pub(crate) fn trailers(direction: Direction) -> ProcessingResponse {
    let trailers = TrailersResponse::default();
    message(match direction {
        Direction::Request => Response::RequestTrailers(trailers),
        Direction::Response => Response::ResponseTrailers(trailers),
    })
}

/// Replaces the body of a message.
pub(crate) fn replace(body: Bytes) -> Option<BodyMutation> {
    Some(BodyMutation { mutation: Some(Mutation::Body(body)) })
}

/// Sends a body piece by piece.
pub(crate) fn stream(direction: Direction, whole: Bytes, end: bool) -> impl Iterator<Item = ProcessingResponse> {
    let piece = |piece: StreamedBodyResponse| CommonResponse {
        body_mutation: Some(BodyMutation { mutation: Some(Mutation::StreamedResponse(piece)) }),
        ..CommonResponse::default()
    };
    body::cut(whole, end).map(move |bytes| body(direction, piece(bytes)))
}

/// Answers the client.
pub(crate) fn immediate(reply: Reply) -> ProcessingResponse {
    message(Response::ImmediateResponse(ImmediateResponse {
        status: Some(HttpStatus { code: reply.status.into() }),
        headers: mutation(reply.headers, Vec::new()),
        body: reply.body,
        grpc_status: None,
        details: reply.details,
    }))
}

/// Refuses a request, in the shape of the OpenAI API's errors.
pub(crate) fn refuse(status: u16, message: &str, code: &'static str) -> ProcessingResponse {
    immediate(Reply::refusal(status, code, message))
}

/// Refuses a request because there are too many, and says when to come again.
pub(crate) fn overloaded() -> ProcessingResponse {
    let mut reply = Reply::refusal(503, "overloaded", "the router has too much under way");
    reply.headers.push(("retry-after".to_owned(), "1".to_owned()));
    immediate(reply)
}

/// Asks the gateway for more time before the answer that it waits for.
pub(crate) fn patience(time: Duration) -> ProcessingResponse {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or(0);
    let timeout = prost_types::Duration { seconds, nanos };
    ProcessingResponse { override_message_timeout: Some(timeout), ..ProcessingResponse::default() }
}
