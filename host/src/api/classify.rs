//! `POST /classify` and `POST /api/v1/classify/intent`: what a prompt is about, and which model suits it.

use super::ask::Ask;
use super::error::ApiError;
use super::request_id::RequestId;
use super::{Context, outcome};
use crate::reload::Generation;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};
use trackside_config::{DEFAULT_PROFILE, Resolved};
use trackside_routing::DecisionRecord;

pub(super) async fn classify(
    State(context): State<Context>,
    Extension(id): Extension<RequestId>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let generation = context.reloads.pin();
    let ask = Ask::parse(body, &generation.snapshot)?;
    let record = ask.decide(&id, &generation.snapshot).await?;
    let mut answer = answer(&ask, &record, &generation.config.resolved);
    if let Some(answer) = answer.as_object_mut().filter(|_| ask.probabilities) {
        answer.insert("probabilities".to_owned(), probabilities(&ask, &id, &record, &generation).await?);
    }
    Ok(Json(answer))
}

/// How likely each declared category is, those under the threshold included.
async fn probabilities(
    ask: &Ask,
    id: &RequestId,
    record: &DecisionRecord,
    generation: &Generation,
) -> Result<Value, ApiError> {
    let profile = record.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let found =
        generation.domains.judge(profile, ask.incoming(id)).await.map_err(|error| {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "CLASSIFIER_UNAVAILABLE", error.to_string())
        })?;
    let of_each = found.into_iter().map(|domain| (domain.rule, outcome::rounded(domain.confidence).into()));
    Ok(of_each.collect::<Map<_, _>>().into())
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
    let Some(taken) = outcome::taken(record, config) else { return Value::Null };
    let used = outcome::used(&taken.rules);
    let matched = outcome::found(record).filter(|signal| used.contains(signal));
    json!({
        "decision_name": taken.name,
        "confidence": outcome::rounded(record.confidence),
        "matched_rules": matched.map(|(signal, rule)| format!("{signal}:{rule}")).collect::<Vec<_>>(),
    })
}
