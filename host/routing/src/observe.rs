//! Turns what happened into metrics and the log line of a decision. The only place that does.

use crate::call::Trail;
use crate::record::DecisionRecord;
use crate::signals::Evaluation;
use std::time::Duration;
use trackside_telemetry::{Metrics, Routed};

pub(crate) fn signal(metrics: &Metrics, evaluation: &Evaluation) {
    let rules = evaluation.matches.iter().map(|found| found.rule.as_str());
    metrics.signal(&evaluation.signal, rules, evaluation.took);
}

pub(crate) fn calls(metrics: &Metrics, trail: &Trail) {
    for degraded in &trail.degraded {
        metrics.degraded(&degraded.component, degraded.reason);
    }
}

pub(crate) fn decided(metrics: &Metrics, record: &DecisionRecord, took: Duration) {
    let selected = record.selected_model.as_deref();
    if let Some(selected) = selected {
        let reason_code = record.reason_code.as_str();
        metrics.routed(Routed { original: &record.original_model, selected, reason_code, latency: took });
    }
    tracing::info!(
        event = "routing_decision",
        request_id = record.request_id,
        generation = record.generation,
        original_model = record.original_model,
        selected_model = selected.unwrap_or_default(),
        profile = record.profile.as_deref().unwrap_or_default(),
        decision = record.decision.as_deref().unwrap_or_default(),
        category = record.category.as_deref().unwrap_or_default(),
        reason_code = record.reason_code.as_str(),
        reasoning_enabled = record.use_reasoning,
        routing_latency_ms = record.routing_latency_ms,
    );
}
