//! The HTTP API: what people and probes ask, answered in JSON.

mod access;
mod ask;
mod body;
mod classify;
mod embeddings;
mod error;
mod eval;
mod health;
mod metrics;
mod models;
mod outcome;
mod request_id;
mod similarity;
mod vectors;

pub(crate) use access::{Access, Token};
pub(crate) use metrics::exposition;
pub(crate) use vectors::Vectors;

use crate::assemble::Domains;
use crate::phase::Phases;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::ApiError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use trackside_config::Config;
use trackside_routing::Live;

/// Longest request body.
const BODY_BYTES: usize = 10 * 1024 * 1024;
/// Longest time from a request's headers to its answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) live: Arc<Live>,
    /// What the live snapshot was built from.
    pub(crate) config: Arc<Config>,
    pub(crate) domains: Arc<Domains>,
    pub(crate) vectors: Vectors,
    pub(crate) phases: Phases,
    /// When the program started, seconds since 1970.
    pub(crate) started: u64,
}

/// All endpoints, for those who have access.
pub(crate) fn router(context: Context, access: Access) -> Router {
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
        .route("/v1/models", get(models::models))
        .fallback(no_endpoint)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(access, access::guard))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(request_id::echo))
        .with_state(context)
}

/// A client that sends its body by the byte must not hold its connection for ever.
async fn in_time(request: Request, next: Next) -> Response {
    timeout(REQUEST_TIME, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!("the request was not complete within {} seconds", REQUEST_TIME.as_secs());
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message).into_response()
    })
}

async fn no_endpoint(uri: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("there is no endpoint {}", uri.path()))
}

async fn wrong_method(uri: Uri) -> ApiError {
    let message = format!("{} does not take this method", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
}
