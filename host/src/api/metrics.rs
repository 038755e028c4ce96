//! Metrics, on a listener of their own: what a scraper may see, a user of the API need not.

use super::accept::{self, Format};
use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use trackside_telemetry::{self as telemetry, Metrics};

/// `GET /metrics`.
pub(crate) fn exposition(metrics: Arc<Metrics>) -> Router {
    let scrape = move |headers: HeaderMap| async move { page(&metrics, &headers) };
    Router::new().route("/metrics", get(scrape))
}

fn page(metrics: &Metrics, headers: &HeaderMap) -> Response {
    // What is no text names no type.
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (format, page) = match accept::preferred(accepted) {
        Format::Prometheus => (telemetry::CONTENT_TYPE, metrics.encode()),
        Format::OpenMetrics => (telemetry::OPENMETRICS_TYPE, metrics.encode_openmetrics()),
    };
    ([(CONTENT_TYPE, format), (VARY, "accept")], page).into_response()
}
