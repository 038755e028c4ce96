//! Answers that no model gives. The one place that turns a refusal into a status and a body.

use crate::exchange::Reply;
use crate::headers;
use crate::record::DecisionRecord;
use bytes::Bytes;
use std::sync::Arc;
use trackside_components::types;
use trackside_protocol::{BadRequest, openai_error};

/// The version of our response headers.
pub(crate) const SCHEMA_VERSION: (&str, &str) = ("x-vsr-schema-version", "2");

/// The body is no chat completions request.
pub(crate) fn bad_request(error: &BadRequest) -> Reply {
    reply(400, "bad_request", error.openai_json())
}

/// The request is not forwarded. `what` is a word for programs, `message` one for people.
pub(crate) fn refused(status: u16, what: &str, message: &str, param: Option<&str>, record: DecisionRecord) -> Reply {
    let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
    let body = openai_error(kind, message, param, Some(what));
    Reply { record: Some(Arc::new(record)), ..reply(status, what, body) }
}

/// A plugin answered. Headers that no gateway takes are left out; a status that is none becomes 200, as gateways read it.
pub(crate) fn from_plugin(answer: types::Reply, record: DecisionRecord) -> Reply {
    let checked =
        |(name, value): (String, String)| Some((headers::name(&name)?, value)).filter(|(_, v)| headers::value(v));
    let ours = [SCHEMA_VERSION, ("x-vsr-response-path", "plugin")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    Reply {
        status: if (200..=599).contains(&answer.status) { answer.status } else { 200 },
        headers: answer.headers.into_iter().take(headers::MAX_HEADERS).filter_map(checked).chain(ours).collect(),
        body: Bytes::from(answer.body),
        details: "trackside_plugin_reply".to_owned(),
        record: Some(Arc::new(record)),
    }
}

fn reply(status: u16, what: &str, body: String) -> Reply {
    let headers = [("content-type", "application/json"), SCHEMA_VERSION, ("x-vsr-response-path", "error")];
    Reply {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: Bytes::from(body),
        details: format!("trackside_{what}"),
        record: None,
    }
}
