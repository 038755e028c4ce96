//! The families: their names, what they tell, and their labels.

use crate::family::{Expose, Family};
use crate::series::{Counter, Gauge, Histogram, Series, Sum};
use std::sync::Arc;

type Counters<const N: usize> = Arc<Family<Counter, N>>;
type Histograms<const N: usize> = Arc<Family<Histogram, N>>;

/// Families in the order in which they were declared, which is that of the exposition.
#[derive(Default)]
pub(crate) struct Declared(Vec<Arc<dyn Expose>>);

impl Declared {
    pub(crate) fn into_families(self) -> Vec<Arc<dyn Expose>> {
        self.0
    }

    pub(crate) fn family<S: Series + 'static, const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        create: fn() -> S,
    ) -> Arc<Family<S, N>> {
        let family = Arc::new(Family::new(name, help, labels, create));
        if N == 0 {
            // Without labels there is nothing to wait for: show the zero from the start.
            family.with([""; N], |_| {});
        }
        self.0.push(Arc::clone(&family) as Arc<dyn Expose>);
        family
    }

    fn counter<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Counters<N> {
        self.family(name, help, labels, Counter::default)
    }

    fn seconds<const N: usize>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Histograms<N> {
        self.family(name, help, labels, Histogram::of_seconds)
    }
}

/// What dashboards for v0.3 know, under the names that they know.
pub(crate) struct Llm {
    pub(crate) requests: Counters<1>,
    pub(crate) request_errors: Counters<2>,
    pub(crate) modifications: Counters<2>,
    pub(crate) reason_codes: Counters<2>,
    pub(crate) routing_latency: Histograms<0>,
    pub(crate) signal_extractions: Counters<2>,
    pub(crate) signal_matches: Counters<2>,
    pub(crate) signal_latency: Histograms<1>,
    pub(crate) decision_evaluations: Counters<0>,
    pub(crate) decision_latency: Histograms<0>,
    pub(crate) decision_matches: Counters<1>,
    pub(crate) decision_confidence: Arc<Family<Histogram, 1>>,
    pub(crate) plugin_executions: Counters<3>,
    pub(crate) plugin_latency: Histograms<1>,
    pub(crate) selections: Counters<3>,
    pub(crate) selection_duration: Histograms<1>,
    pub(crate) reasoning: Counters<4>,
}

impl Llm {
    pub(crate) fn declare(d: &mut Declared) -> Self {
        let model = "model";
        let signal = ["signal_type", "signal_name"];
        let decision = "decision_name";
        let from_to = ["source_model", "target_model"];
        let plugin = ["plugin_type", decision, "status"];
        let reasoning = ["category", model, "enabled", "effort"];
        Self {
            requests: d.counter("llm_model_requests_total", "Requests by the model they go to.", [model]),
            request_errors: d.counter("llm_request_errors_total", "Requests refused.", [model, "reason"]),
            modifications: d.counter("llm_model_routing_modifications_total", "Changes of the model.", from_to),
            reason_codes: d.counter("llm_routing_reason_codes_total", "Why requests go there.", ["reason_code", model]),
            routing_latency: d.seconds("llm_model_routing_latency_seconds", "From the complete request on.", []),
            signal_extractions: d.counter("llm_signal_extraction_total", "Signal evaluations by result.", signal),
            signal_matches: d.counter("llm_signal_match_total", "Signals found.", signal),
            signal_latency: d.seconds("llm_signal_extraction_latency_seconds", "All rules of a type.", ["signal_type"]),
            decision_evaluations: d.counter("llm_decision_evaluation_total", "Evaluations of all decisions.", []),
            decision_latency: d.seconds("llm_decision_evaluation_latency_seconds", "Rules and ranking.", []),
            decision_matches: d.counter("llm_decision_match_total", "Decisions taken.", [decision]),
            decision_confidence: d.family(
                "llm_decision_confidence",
                "Confidence of the decisions taken.",
                [decision],
                Histogram::of_shares,
            ),
            plugin_executions: d.counter("llm_plugin_execution_total", "Plugin calls.", plugin),
            plugin_latency: d.seconds("llm_plugin_execution_latency_seconds", "Plugin calls.", ["plugin_type"]),
            selections: d.counter("llm_model_selection_total", "Models chosen.", ["method", model, "decision"]),
            selection_duration: d.seconds("llm_model_selection_duration_seconds", "Time to choose.", ["method"]),
            reasoning: d.counter("llm_reasoning_decisions_total", "Requests by asking for reasoning.", reasoning),
        }
    }
}

/// What only we can tell.
pub(crate) struct Own {
    pub(crate) component_calls: Counters<3>,
    pub(crate) component_call_time: Histograms<2>,
    pub(crate) component_metrics: Arc<Family<Sum, 2>>,
    pub(crate) component_log_dropped: Counters<1>,
    pub(crate) log_dropped: Counters<0>,
    pub(crate) streams: Arc<Family<Gauge, 0>>,
    pub(crate) streams_finished: Counters<1>,
    pub(crate) stream_messages: Counters<1>,
    pub(crate) degraded: Counters<2>,
}

impl Own {
    pub(crate) fn declare(d: &mut Declared, version: &str) -> Self {
        d.family("trackside_build_info", "Always 1; the label tells the version.", ["version"], Gauge::default)
            .with([version], |build| build.add(1));
        let component = "component";
        let call = [component, "role", "outcome"];
        let counters = "Counters that components keep, at most 50 names each.";
        let log_lines = "Log lines of components above the limit of one call.";
        Self {
            component_calls: d.counter("trackside_component_calls_total", "Calls into components.", call),
            component_call_time: d.seconds("trackside_component_call_seconds", "Their time.", [component, "role"]),
            component_metrics: d.family(
                "trackside_component_metric_total",
                counters,
                [component, "name"],
                Sum::default,
            ),
            component_log_dropped: d.counter("trackside_component_log_dropped_total", log_lines, [component]),
            log_dropped: d.counter(
                "trackside_log_dropped_total",
                "Log lines that standard error was too slow for.",
                [],
            ),
            streams: d.family("trackside_extproc_streams", "Processing streams open now.", [], Gauge::default),
            streams_finished: d.counter("trackside_extproc_streams_total", "Streams by how they ended.", ["outcome"]),
            stream_messages: d.counter("trackside_extproc_messages_total", "Messages of the gateway.", ["kind"]),
            degraded: d.counter("trackside_degraded_total", "Failures that were tolerated.", [component, "reason"]),
        }
    }
}
