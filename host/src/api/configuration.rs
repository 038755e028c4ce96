//! `/config/router`: the configuration's text, checked and replaced.

use super::error::ApiError;
use super::{BODY_BYTES, Context, body, change};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use trackside_components::Digest;

/// The text that serves, as it was written: variables are not replaced, so what the environment keeps secret stays there.
pub(super) async fn get(State(context): State<Context>, headers: HeaderMap) -> Response {
    let generation = context.reloads.pin();
    let digest = generation.material.config().digest.to_string();
    // It may hold credentials: nobody on the way keeps it.
    let told = [(ETAG, format!("\"{digest}\"")), (CACHE_CONTROL, "no-store".to_owned())];
    if named(&headers, &IF_NONE_MATCH, &digest) == Some(true) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    let kind = [(CONTENT_TYPE, "application/yaml; charset=utf-8")];
    (told, kind, generation.material.config().text.to_string()).into_response()
}

/// Everything that there is to say about a text, the probe of its components included; nothing changes.
pub(super) async fn validate(
    State(context): State<Context>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let examined = context.reloads.examine(text(body)?).await.map_err(|error| {
        let message = format!("the examination broke off: {error}");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "EXAMINATION_FAILED", message)
    })?;
    Ok(Json(json!({ "ok": examined.good, "problems": examined.problems, "report": examined.rendered })))
}

pub(super) async fn put(
    State(context): State<Context>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let text = text(body)?;
    let live = context.reloads.pin().material.config().digest;
    let over = match named(&headers, &IF_MATCH, &live.to_string()) {
        None => None,
        Some(true) => Some(live),
        Some(false) => {
            let message = format!("if-match names another text than the one that serves: its etag is \"{live}\"");
            return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", message));
        }
    };
    let etag = format!("\"{}\"", Digest::of(text.as_bytes()));
    let answer = change::answer(context.reloads.replace_config(text, over).await)?;
    Ok(([(ETAG, etag)], answer).into_response())
}

fn text(body: Result<Bytes, BytesRejection>) -> Result<String, ApiError> {
    let bytes = body::read(body, BODY_BYTES)?;
    String::from_utf8(bytes.into()).map_err(|_| ApiError::invalid("the configuration is not UTF-8 text"))
}

/// Whether a header of entity tags names this one; nothing without the header, or with `*`, which any text is.
fn named(headers: &HeaderMap, header: &HeaderName, digest: &str) -> Option<bool> {
    let mut values = headers.get_all(header).iter().peekable();
    values.peek()?;
    let tags: Vec<&str> =
        values.flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return None;
    }
    let bare = |tag: &str| tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).map(str::to_owned);
    Some(tags.into_iter().filter_map(bare).any(|tag| tag == digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn matches(values: &[&str]) -> Option<bool> {
        let headers = values.iter().map(|value| (IF_MATCH, HeaderValue::from_str(value).unwrap()));
        named(&headers.collect(), &IF_MATCH, "abc")
    }

    #[test]
    fn entity_tags_are_compared_whole() {
        assert_eq!(matches(&[]), None);
        assert_eq!(matches(&["*"]), None);
        for same in ["\"abc\"", "\"x\", \"abc\"", " \"abc\" "] {
            assert_eq!(matches(&[same]), Some(true), "{same}");
        }
        for other in ["\"ab\"", "abc", "W/\"abc\"", "", "\"abc", "\"*\"", "*, \"x\""] {
            assert_eq!(matches(&[other]), Some(false), "{other}");
        }
        assert_eq!(matches(&["\"x\"", "\"abc\""]), Some(true), "two headers");
    }
}
