//! `/api/v1/components`: what is at hand and how it fares, uploads, and candidates.

use super::error::ApiError;
use super::segment::Segment;
use super::{Context, body, change};
use crate::reload::Upload;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use trackside_routing::{ComponentReport, Part};
use trackside_telemetry::Calls;

/// Longest upload: more than the engine accepts, so that it is the engine that tells its limit.
pub(super) const WASM_BYTES: usize = 129 << 20;

/// A file inside the components directory that is to be taken, in place of bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    path: PathBuf,
}

pub(super) async fn list(State(context): State<Context>) -> Json<Value> {
    let generation = context.reloads.pin();
    let calls = context.metrics.calls();
    let rows: Vec<Value> = generation.snapshot.components().iter().map(|report| row(report, &calls)).collect();
    Json(json!({ "generation": generation.id(), "components": rows }))
}

fn row(report: &ComponentReport, calls: &BTreeMap<(String, String), Calls>) -> Value {
    let mut row = json!(report);
    // Calls are counted by type, whoever serves it: a candidate's are among the active component's.
    if let (Part::Active, Some(row)) = (report.part, row.as_object_mut()) {
        let calls = calls.get(&(report.role.to_owned(), report.serves.clone())).cloned().unwrap_or_default();
        let microseconds = |time: Option<Duration>| time.map(|time| (time.as_secs_f64() * 1e7).round() / 10.0);
        let told = json!({
            "total": calls.total(),
            "traps": calls.with("trap"),
            "outcomes": calls.outcomes,
            "mean_us": microseconds(calls.mean),
            "p99_us": microseconds(calls.p99),
        });
        row.insert("calls".to_owned(), told);
    }
    row
}

pub(super) async fn upload(
    State(context): State<Context>,
    Segment(serves): Segment,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let bytes = body::read(bytes, WASM_BYTES)?;
    let json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_json);
    let upload = if json {
        Upload::Path(body::parsed::<Placed>(&bytes)?.path)
    } else if bytes.is_empty() {
        let message = r#"expected the bytes of a component, or {"path": ...} as application/json"#;
        return Err(ApiError::invalid(message));
    } else {
        Upload::Bytes(bytes)
    };
    change::answer(context.reloads.replace_component(&serves, upload).await)
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

pub(super) async fn shadow(State(context): State<Context>, Segment(serves): Segment) -> Result<Json<Value>, ApiError> {
    let generation = context.reloads.pin();
    let report = generation.snapshot.shadows(&serves).ok_or_else(|| {
        let serves: String = serves.chars().take(64).collect();
        let message = format!("no candidate is tried for {serves:?}: name its file under components.shadow");
        ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })?;
    Ok(Json(json!(report)))
}

pub(super) async fn promote(State(context): State<Context>, Segment(serves): Segment) -> Result<Json<Value>, ApiError> {
    change::answer(context.reloads.promote(&serves).await)
}
