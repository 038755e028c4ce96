//! The one shape of errors: `{"error": {"code", "message", "timestamp"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use trackside_telemetry::log::timestamp;

/// An error as the client sees it.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// What else the object has.
    more: Value,
}

impl ApiError {
    /// `code` is for programs, `message` for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: Value::Null }
    }

    /// The same with the members of an object besides.
    pub(crate) fn with(self, more: Value) -> Self {
        Self { more, ..self }
    }

    /// The request makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message, "timestamp": timestamp() });
        if let (Some(error), Value::Object(more)) = (error.as_object_mut(), self.more) {
            error.extend(more);
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}
