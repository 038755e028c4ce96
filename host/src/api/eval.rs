//! `POST /api/v1/eval`: a decision with everything that led to it.

use super::ask::Ask;
use super::error::ApiError;
use super::request_id::RequestId;
use super::{Context, outcome};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};
use trackside_config::{Decision, Resolved};
use trackside_routing::{DecisionRecord, SignalRecord};

pub(super) async fn eval(
    State(context): State<Context>,
    Extension(id): Extension<RequestId>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let generation = context.reloads.pin();
    let ask = Ask::parse(body, &generation.snapshot)?;
    let record = ask.decide(&id, &generation.snapshot).await?;
    Ok(Json(answer(&ask, &record, &generation.config.resolved)))
}

fn answer(ask: &Ask, record: &DecisionRecord, config: &Resolved) -> Value {
    let taken = outcome::taken(record, config);
    json!({
        "original_text": ask.text,
        "requested_model": ask.model,
        "recipe": record.profile,
        "decision_result": taken.map(|taken| decision(taken, record)),
        "recommended_models": taken.map(candidates).unwrap_or_default(),
        "selected_model": record.selected_model,
        "selection_status": outcome::selection_status(record),
        "selection_method": record.algorithm,
        "selection_reason": record.selection_reason,
        "routing_decision": outcome::routing_decision(record, ask.threshold),
        "metrics": metrics(record),
        "signal_confidences": signals(record, |signal| Some(outcome::rounded(signal.confidence))),
        "signal_values": signals(record, |signal| signal.value),
        "signal_errors": errors(record),
    })
}

fn decision(taken: &Decision, record: &DecisionRecord) -> Value {
    let used = outcome::used(&taken.rules);
    let (matched, unmatched): (Vec<_>, Vec<_>) =
        used.iter().copied().partition(|signal| outcome::found(record).any(|found| found == *signal));
    json!({
        "decision_name": taken.name,
        "algorithm": record.algorithm,
        "plugins": taken.plugins.iter().map(|plugin| &plugin.kind).collect::<Vec<_>>(),
        "used_signals": outcome::by_type(used),
        "matched_signals": outcome::by_type(matched),
        "unmatched_signals": outcome::by_type(unmatched),
    })
}

fn candidates(taken: &Decision) -> Vec<&str> {
    taken.candidates.iter().map(|candidate| candidate.adapter.as_deref().unwrap_or(&candidate.model)).collect()
}

/// Time and best confidence by signal type.
fn metrics(record: &DecisionRecord) -> Value {
    let of_type = |kind: &str| {
        let calls = record.calls.iter().filter(|call| call.role == "signal" && call.component == kind);
        let matches = record.signals.iter().filter(|signal| signal.signal == kind);
        json!({
            "execution_time_ms": calls.map(|call| call.time_us).sum::<f64>() / 1000.0,
            "confidence": outcome::rounded(matches.map(|signal| signal.confidence).fold(0.0, f32::max)),
        })
    };
    record.evaluated.iter().map(|kind| (outcome::key(kind).to_owned(), of_type(kind))).collect::<Map<_, _>>().into()
}

/// One number for each signal found that has it, under `type:rule`.
fn signals(record: &DecisionRecord, number: impl Fn(&SignalRecord) -> Option<f64>) -> Value {
    let named = |signal: &SignalRecord| format!("{}:{}", signal.signal, signal.rule);
    let numbers = record.signals.iter().filter_map(|signal| Some((named(signal), number(signal)?.into())));
    numbers.collect::<Map<_, _>>().into()
}

/// How signal components failed, by type.
fn errors(record: &DecisionRecord) -> Value {
    let failed = record.calls.iter().filter(|call| call.role == "signal" && call.outcome != "ok");
    failed.map(|call| (call.component.clone(), call.outcome.into())).collect::<Map<_, _>>().into()
}
