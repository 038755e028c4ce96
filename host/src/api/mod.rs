//! The HTTP API: what people and probes ask, answered in JSON.

mod accept;
mod access;
mod ask;
mod body;
mod change;
mod classify;
mod components;
mod configuration;
mod embeddings;
mod error;
mod eval;
mod generations;
mod health;
mod metrics;
mod models;
mod outcome;
mod request_id;
mod segment;
mod similarity;
mod vectors;

pub(crate) use access::{Access, Token};
pub(crate) use metrics::exposition;

use crate::phase::Phases;
use crate::reload::Reloads;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use error::ApiError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use trackside_telemetry::Metrics;

/// Longest request body.
const BODY_BYTES: usize = 10 * 1024 * 1024;
/// Longest time from a request's headers to its answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The same where the answer waits for another generation: components are compiled one after the other, each in two
/// minutes at most.
const CHANGE_TIME: Duration = Duration::from_secs(300);
/// Uploads that are held in memory at once; others wait.
const UPLOADS: usize = 2;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Context {
    /// Every request pins its generation once.
    pub(crate) reloads: Reloads,
    /// How many texts this API embeds at once: as many as there are threads to do so. Whoever waits to be routed waits
    /// for one text of it, never for a queue of them.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) phases: Phases,
    pub(crate) metrics: Arc<Metrics>,
    /// When the program started, seconds since 1970.
    pub(crate) started: u64,
}

/// All endpoints, for those who have access.
pub(crate) fn router(context: Context, access: Access) -> Router {
    questions()
        .merge(changes())
        .fallback(no_endpoint)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(access, access::guard))
        .layer(middleware::from_fn(request_id::echo))
        .with_state(context)
}

/// What is answered at once.
fn questions() -> Router<Context> {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/classify", post(classify::classify))
        .route("/api/v1/classify/intent", post(classify::classify))
        .route("/api/v1/eval", post(eval::eval))
        .route("/api/v1/embeddings", post(embeddings::embeddings))
        .route("/api/v1/embeddings/models", get(embeddings::models))
        .route("/api/v1/similarity", post(similarity::pair))
        .route("/api/v1/similarity/batch", post(similarity::batch))
        .route("/api/v1/generations", get(generations::list))
        .route("/api/v1/generations/{id}", get(generations::show))
        .route("/api/v1/components", get(components::list))
        .route("/api/v1/components/{type}/shadow", get(components::shadow))
        .route("/v1/models", get(models::models))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(|request, next| in_time(REQUEST_TIME, "", request, next)))
}

/// What waits for another generation.
fn changes() -> Router<Context> {
    let uploads = Arc::new(Semaphore::new(UPLOADS));
    let upload = put(components::upload)
        .layer(DefaultBodyLimit::max(components::WASM_BYTES))
        .layer(middleware::from_fn_with_state(uploads, in_turn));
    let goes_on = "; a change that has begun goes on, and GET /api/v1/generations tells what came of it";
    Router::new()
        .route("/api/v1/reload", post(generations::reload))
        .route("/api/v1/generations/{id}/rollback", post(generations::rollback))
        .route("/api/v1/components/{type}", upload)
        .route("/api/v1/components/{type}/promote", post(components::promote))
        .route("/config/router", get(configuration::get).put(configuration::put))
        .route("/config/router/validate", post(configuration::validate))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(move |request, next| in_time(CHANGE_TIME, goes_on, request, next)))
}

/// A client that sends its body by the byte must not hold its connection for ever.
async fn in_time(most: Duration, more: &'static str, request: Request, next: Next) -> Response {
    timeout(most, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!("the request was not complete within {} seconds{more}", most.as_secs());
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message).into_response()
    })
}

/// Reads an upload only when there is room for it, and not when it says that it is too long.
async fn in_turn(State(uploads): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > components::WASM_BYTES as u64) {
        return body::too_large(components::WASM_BYTES).into_response();
    }
    // Nobody closes the semaphore; if somebody did, one more upload at once is no harm.
    let _turn = uploads.acquire().await;
    next.run(request).await
}

async fn no_endpoint(uri: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("there is no endpoint {}", uri.path()))
}

async fn wrong_method(uri: Uri) -> ApiError {
    let message = format!("{} does not take this method", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
}
