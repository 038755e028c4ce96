//! Metrics, on a listener of their own: what a scraper may see, a user of the API need not.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::sync::Arc;
use trackside_telemetry::{self as telemetry, Metrics};

/// `GET /metrics`.
pub(crate) fn exposition(metrics: Arc<Metrics>) -> Router {
    let scrape = move || async move { ([(CONTENT_TYPE, telemetry::CONTENT_TYPE)], metrics.encode()) };
    Router::new().route("/metrics", get(scrape))
}
