//! For probes: is the process alive, and may traffic come.

use super::Context;
use crate::phase::Phase;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": "trackside" }))
}

pub(super) async fn ready(State(context): State<Context>) -> (StatusCode, Json<Value>) {
    let phase = context.phases.now();
    let status = match phase {
        Phase::Serving => StatusCode::OK,
        Phase::Starting | Phase::Draining | Phase::Ending => StatusCode::SERVICE_UNAVAILABLE,
    };
    let ready = phase == Phase::Serving;
    let generation = context.reloads.pin().id();
    (status, Json(json!({ "status": phase.as_str(), "ready": ready, "generation": generation })))
}
