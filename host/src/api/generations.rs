//! `/api/v1/generations` and `/api/v1/reload`: what serves, what served, and the way back.

use super::error::ApiError;
use super::segment::Segment;
use super::{Context, change};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

pub(super) async fn list(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "serving": context.reloads.pin().id(), "generations": context.reloads.history() }))
}

pub(super) async fn show(State(context): State<Context>, Segment(id): Segment) -> Result<Json<Value>, ApiError> {
    let history = context.reloads.history();
    let found = number(&id).and_then(|id| history.into_iter().find(|entry| entry.id == Some(id)));
    found.map(|entry| Json(json!(entry))).ok_or_else(|| unknown(&id))
}

pub(super) async fn rollback(State(context): State<Context>, Segment(id): Segment) -> Result<Json<Value>, ApiError> {
    let wanted = number(&id).ok_or_else(|| unknown(&id))?;
    change::answer(context.reloads.rollback(wanted).await.map_err(|_| unknown(&id))?)
}

pub(super) async fn reload(State(context): State<Context>) -> Result<Json<Value>, ApiError> {
    change::answer(context.reloads.reload(crate::reload::Cause::Api).await)
}

/// As it is written in lists, with neither a sign nor a zero in front.
fn number(id: &str) -> Option<u64> {
    id.parse().ok().filter(|number: &u64| number.to_string() == id)
}

fn unknown(id: &str) -> ApiError {
    let id: String = id.chars().take(32).collect();
    let message = format!("there is no generation {id:?}: GET /api/v1/generations lists those that are kept");
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}
