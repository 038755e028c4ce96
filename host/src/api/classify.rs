//! `POST /classify` and `POST /api/v1/classify/intent`: what a prompt is about, and which model suits it.

use super::ask::Ask;
use super::error::ApiError;
use super::request_id::RequestId;
use super::{Context, outcome};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::{Extension, Json};
use serde_json::{Value, json};
use trackside_config::Resolved;
use trackside_routing::DecisionRecord;

pub(super) async fn classify(
    State(context): State<Context>,
    Extension(id): Extension<RequestId>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let snapshot = context.live.pin();
    let ask = Ask::parse(body, &snapshot)?;
    let record = ask.decide(id, &snapshot).await?;
    Ok(Json(answer(&ask, &record, &context.config)))
}

fn answer(ask: &Ask, record: &DecisionRecord, config: &Resolved) -> Value {
    let (category, confidence) = outcome::category(record);
    json!({
        "classification": {
            "category": category,
            "confidence": outcome::rounded(confidence),
            "processing_time_ms": record.routing_latency_ms,
        },
        "recommended_model": record.selected_model,
        "routing_decision": outcome::routing_decision(record, ask.threshold),
        "matched_signals": outcome::by_type(outcome::found(record)),
        "decision_result": decision(record, config),
    })
}

/// The decision taken with those of its signals that were found, or null.
fn decision(record: &DecisionRecord, config: &Resolved) -> Value {
    let taken = config.decisions.iter().find(|decision| Some(&decision.name) == record.decision.as_ref());
    let Some(taken) = taken else { return Value::Null };
    let used = outcome::used(&taken.rules);
    let matched = outcome::found(record).filter(|signal| used.contains(signal));
    json!({
        "decision_name": taken.name,
        "confidence": outcome::rounded(record.confidence),
        "matched_rules": matched.map(|(signal, rule)| format!("{signal}:{rule}")).collect::<Vec<_>>(),
    })
}
