//! What came of asking for another generation, as the client sees it.

use super::error::ApiError;
use crate::reload::{Outcome, Refusal, Why};
use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Nothing is tried beside the active component of a type.
const NO_CANDIDATE: &str = "E0439";

/// The answer to a change that was made, or was none.
pub(super) fn answer(outcome: Outcome) -> Result<Json<Value>, ApiError> {
    match outcome {
        Outcome::Published(entry) => {
            Ok(Json(json!({ "outcome": "published", "serving": entry.id, "generation": entry })))
        }
        Outcome::Unchanged(serving) => Ok(Json(json!({ "outcome": "unchanged", "serving": serving }))),
        Outcome::Refused(refusal) => Err(refused(&refusal)),
    }
}

/// A change that was not made: everything that is wrong with it, and what serves.
fn refused(refusal: &Refusal) -> ApiError {
    let (status, code) = meaning(refusal);
    let first = refusal.problems.iter().find(|problem| problem.severity == "error");
    let reason = first.map_or("the change was refused", |problem| problem.message.as_str());
    let message = format!("{reason}; generation {} goes on", refusal.serving);
    ApiError::new(status, code, message).with(json!({
        "cause": refusal.cause,
        "serving": refusal.serving,
        "problems": refusal.problems,
        "report": refusal.rendered,
    }))
}

fn meaning(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal.why {
        Why::Invalid => (StatusCode::BAD_REQUEST, "INVALID_CONFIG"),
        Why::Probe => (StatusCode::UNPROCESSABLE_ENTITY, "PROBE_FAILED"),
        Why::NotPersisted => (StatusCode::CONFLICT, "NOT_PERSISTED"),
        Why::Overtaken => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"),
        Why::Impossible if refusal.problems.iter().any(|problem| problem.code == NO_CANDIDATE) => {
            (StatusCode::NOT_FOUND, "NOT_FOUND")
        }
        Why::Impossible => (StatusCode::CONFLICT, "IMPOSSIBLE"),
    }
}
