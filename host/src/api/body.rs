//! Request bodies, read with bounds and refused in the one shape of errors.

use super::error::ApiError;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// The bytes of a body, of which there may be this many.
pub(super) fn read(body: Result<Bytes, BytesRejection>, most: usize) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(most),
        _ => ApiError::invalid("the body ended early"),
    })
}

pub(super) fn too_large(most: usize) -> ApiError {
    let message = format!("the body has more than {most} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_BODY_TOO_LARGE", message)
}

/// A body that is a JSON object of a known shape. Keys that it does not have are left out.
pub(super) fn parse<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, ApiError> {
    parsed(&read(body, super::BODY_BYTES)?)
}

/// The same of a body that has been read.
pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| match error.path().to_string().as_str() {
        "." => ApiError::invalid(error.inner().to_string()),
        path => ApiError::invalid(format!("{path}: {}", error.inner())),
    })
}
