//! Answers that no model gives. The one place that turns a refusal into a status and a body.

use crate::exchange::Reply;
use crate::headers::{self, Told};
use crate::record::DecisionRecord;
use bytes::Bytes;
use std::sync::Arc;
use trackside_components::types;
use trackside_protocol::{BadRequest, openai_error};

/// The version of our response headers.
pub(crate) const SCHEMA_VERSION: (&str, &str) = ("x-vsr-schema-version", "2");

/// The body is no chat completions request.
pub(crate) fn bad_request(error: &BadRequest, told: Vec<Told>) -> Reply {
    let mut reply = reply(400, "bad_request", error.openai_json());
    reply.headers.extend(told);
    reply
}

/// The request is not forwarded. `what` is a word for programs, `message` one for people.
pub(crate) fn refused(
    status: u16,
    what: &str,
    message: &str,
    param: Option<&str>,
    told: Vec<Told>,
    record: DecisionRecord,
) -> Reply {
    let mut reply = reply(status, what, openai_error(kind(status), message, param, Some(what)));
    reply.headers.extend(told);
    Reply { record: Some(Arc::new(record)), ..reply }
}

impl Reply {
    /// The refusal of a request about which nothing was decided: an error in the shape of the OpenAI API. `what` is a word
    /// for programs, `message` one for people.
    #[must_use]
    pub fn refusal(status: u16, what: &str, message: &str) -> Reply {
        reply(status, what, openai_error(kind(status), message, None, Some(what)))
    }
}

fn kind(status: u16) -> &'static str {
    if status < 500 { "invalid_request_error" } else { "server_error" }
}

/// A plugin answered. Headers that no gateway takes are left out; a status that is none becomes 200, as gateways read it.
pub(crate) fn from_plugin(answer: types::Reply, told: Vec<Told>, record: DecisionRecord) -> Reply {
    let mut given: Vec<(String, String)> = Vec::new();
    for (name, value) in answer.headers.into_iter().take(headers::MAX_HEADERS) {
        let Some(name) = headers::name(&name).filter(|_| headers::value(&value)) else { continue };
        let before = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if headers::fit(before.chain([(name.as_str(), value.as_str())])) {
            given.push((name, value));
        }
    }
    let ours = [SCHEMA_VERSION, ("x-vsr-response-path", "plugin")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    Reply {
        status: if (200..=599).contains(&answer.status) { answer.status } else { 200 },
        headers: given.into_iter().chain(ours).chain(told).collect(),
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
