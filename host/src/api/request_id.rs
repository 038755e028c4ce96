//! Every answer names its request: by the client's `x-request-id`, or by one of ours.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client.
const MOST_BYTES: usize = 128;

/// The request's id, for handlers.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

pub(super) async fn echo(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&NAME).and_then(|value| value.to_str().ok());
    let id = match given {
        Some(id) if (1..=MOST_BYTES).contains(&id.len()) => id.to_owned(),
        _ => fresh(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(NAME, value);
    }
    response
}

/// Unique within the process, and across restarts unless the clock goes back.
fn fresh() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", since_1970.as_micros(), COUNT.fetch_add(1, Relaxed))
}
