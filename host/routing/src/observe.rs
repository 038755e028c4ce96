//! Turns what happened into metrics and the log line of a decision. The only place that does.

use crate::call::{Purpose, Trail};
use crate::plugins::Run;
use crate::record::DecisionRecord;
use crate::shadow::Behind;
use crate::signals::Evaluation;
use crate::view::View;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use trackside_telemetry::{Metrics, Routed};

/// What a request leaves to be told: to the metrics, to the log and to understudies. It is told when this is dropped, which
/// is best done once the answer is out, as somebody waits for that.
#[must_use = "what is dropped at once is told before the answer is out"]
pub struct Untold {
    pub(crate) metrics: Arc<Metrics>,
    /// Absent when the request could not be read.
    pub(crate) record: Option<Arc<DecisionRecord>>,
    pub(crate) refused: Option<&'static str>,
    pub(crate) steps: Steps,
    pub(crate) trail: Trail,
    /// Kept only to be freed no sooner: it holds all that was read of the request.
    pub(crate) view: Option<Arc<View>>,
}

/// What was done for a request, as far as records do not tell it.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    pub(crate) signals: Vec<Evaluation>,
    /// How long the decisions took to be evaluated and ranked.
    pub(crate) ranking: Option<Duration>,
    pub(crate) selection: Option<Selected>,
    pub(crate) plugins: Vec<Run>,
    pub(crate) reasoning: Option<Reasoned>,
}

/// A model was chosen.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) method: String,
    pub(crate) model: String,
    pub(crate) decision: String,
    pub(crate) took: Duration,
}

/// Reasoning was switched on with an effort, or off, on this model.
#[derive(Debug)]
pub(crate) struct Reasoned {
    pub(crate) model: String,
    pub(crate) effort: Option<String>,
}

impl fmt::Debug for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Untold").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Untold {
    /// Of a request that was not read, and so took no steps.
    pub(crate) fn unread(metrics: Arc<Metrics>) -> Untold {
        Untold { metrics, record: None, refused: None, steps: Steps::default(), trail: Trail::default(), view: None }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        let Untold { metrics, record, refused, steps, trail, view } = self;
        let record = record.as_deref();
        for evaluation in &steps.signals {
            let rules = evaluation.matches.iter().map(|found| found.rule.as_str());
            metrics.signal(&evaluation.signal, rules, evaluation.took);
        }
        if let (Some(record), Some(took)) = (record, steps.ranking) {
            let taken = record.ranked.first().map(|first| (first.decision.as_str(), first.confidence));
            metrics.decision(taken, took);
        }
        if let Some(Selected { method, model, decision, took }) = &steps.selection {
            metrics.selection(method, model, decision, *took);
        }
        for run in &steps.plugins {
            metrics.plugin(&run.kind, &run.decision, run.status, run.took);
        }
        if let Some(Reasoned { model, effort }) = &steps.reasoning {
            let category = record.and_then(|record| record.category.as_deref()).unwrap_or("none");
            metrics.reasoning(category, model, effort.as_deref());
        }
        for degraded in &trail.degraded {
            metrics.degraded(&degraded.component, degraded.reason);
        }
        if let Some(what) = refused {
            metrics.refused(record.map_or("", |record| &record.original_model), what);
        }
        if let (Some(record), Purpose::Traffic) = (record, trail.purpose) {
            decided(metrics, record);
        }
        trail.behind.drain(..).for_each(Behind::launch);
        drop(view.take());
    }
}

fn decided(metrics: &Metrics, record: &DecisionRecord) {
    let selected = record.selected_model.as_deref();
    if let Some(selected) = selected {
        let reason_code = record.reason_code.as_str();
        let latency = Duration::try_from_secs_f64(record.routing_latency_ms / 1e3).unwrap_or_default();
        metrics.routed(Routed { original: &record.original_model, selected, reason_code, latency });
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
