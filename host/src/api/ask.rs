//! The question that `classify` and `eval` share: a text, or a chat request.

use super::error::ApiError;
use super::request_id::RequestId;
use super::{BODY_BYTES, body};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use trackside_routing::{Answer, DecisionRecord, Headers, Incoming, Resolution, Snapshot};

/// Confidence from which a category counts as sure, unless the request says otherwise.
const SURE: f64 = 0.7;

/// What was asked.
#[derive(Debug)]
pub(super) struct Ask {
    /// The text that is evaluated.
    pub(super) text: String,
    /// The model asked for.
    pub(super) model: String,
    /// Confidence from which a category counts as sure.
    pub(super) threshold: f64,
    /// Whether the probabilities of all categories are wanted.
    pub(super) probabilities: bool,
    body: Bytes,
}

impl Ask {
    /// Reads a request body. Everything but `text` and `options` belongs to the chat request.
    pub(super) fn parse(body: Result<Bytes, BytesRejection>, snapshot: &Snapshot) -> Result<Self, ApiError> {
        let body = body::read(body, BODY_BYTES)?;
        let mut chat: Map<String, Value> =
            serde_json::from_slice(&body).map_err(|error| ApiError::invalid(format!("not a JSON object: {error}")))?;
        let text = match chat.remove("text") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(_) => return Err(ApiError::invalid("text: expected a string")),
        };
        let options = chat.remove("options").unwrap_or_default();
        let model = model(&mut chat, snapshot)?;
        let text = match chat.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty()) {
            Some(messages) => last_user_text(messages).unwrap_or(text),
            None if text.trim().is_empty() => return Err(ApiError::invalid("text or messages: expected one of them")),
            None => {
                chat.insert("messages".to_owned(), json!([{ "role": "user", "content": text }]));
                text
            }
        };
        let threshold = options.get("confidence_threshold").and_then(Value::as_f64).filter(|t| *t > 0.0);
        let probabilities = options.get("return_probabilities").and_then(Value::as_bool).unwrap_or(false);
        let body = Value::Object(chat).to_string().into();
        Ok(Self { text, model, threshold: threshold.unwrap_or(SURE), probabilities, body })
    }

    /// Decides as for a gateway's request, and keeps only the record.
    pub(super) async fn decide(&self, id: &RequestId, snapshot: &Snapshot) -> Result<DecisionRecord, ApiError> {
        match snapshot.route(self.incoming(id)).await {
            Answer::Forward(forward) => Ok((*forward.record).clone()),
            Answer::Respond(reply) => match reply.record {
                Some(record) if reply.status < 400 => Ok((*record).clone()),
                _ => Err(refused(reply.status, &reply.body)),
            },
        }
    }

    /// The request as a gateway would have sent it.
    pub(super) fn incoming(&self, id: &RequestId) -> Incoming {
        let mut headers = Headers::default();
        headers.push("x-request-id", id.0.clone().into());
        Incoming::new(id.0.clone(), headers, self.body.clone())
    }
}

/// The model asked for; without one, the first name that routes.
fn model(chat: &mut Map<String, Value>, snapshot: &Snapshot) -> Result<String, ApiError> {
    match chat.get("model") {
        Some(Value::String(name)) if !name.is_empty() => return Ok(name.clone()),
        None | Some(Value::Null | Value::String(_)) => {}
        Some(_) => return Err(ApiError::invalid("model: expected a string")),
    }
    let routed = snapshot.models().into_iter().find(|model| model.resolution == Resolution::Virtual);
    let Some(routed) = routed else { return Err(ApiError::invalid("model: expected a name, as none is automatic")) };
    chat.insert("model".to_owned(), Value::String(routed.id.clone()));
    Ok(routed.id)
}

fn last_user_text(messages: &[Value]) -> Option<String> {
    let content = &messages.iter().rev().find(|message| message["role"] == "user")?["content"];
    if let Some(parts) = content.as_array() {
        return Some(parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "));
    }
    content.as_str().map(str::to_owned)
}

/// What a model's client would have been told, in the words of this API.
fn refused(status: u16, body: &[u8]) -> ApiError {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let message =
        told.pointer("/error/message").and_then(Value::as_str).unwrap_or("the request was refused").to_owned();
    match StatusCode::from_u16(status) {
        Ok(status) if status.is_client_error() => ApiError::new(status, "INVALID_INPUT", message),
        Ok(status) if status.is_server_error() => ApiError::new(status, "ROUTING_FAILED", message),
        _ => ApiError::new(StatusCode::BAD_GATEWAY, "ROUTING_FAILED", message),
    }
}
