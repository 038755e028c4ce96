//! The families: their names, what they tell, and their labels.

use crate::exemplar::Exemplars;
use crate::family::Family;
use crate::histogram::Histograms;
use prometheus::{CounterVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use std::cell::RefCell;
use std::sync::Arc;

type Counters<const N: usize> = Family<IntCounterVec, N>;
type Sums<const N: usize> = Family<CounterVec, N>;
type Gauges<const N: usize> = Family<IntGaugeVec, N>;

/// Latency in seconds. Half of the work here takes less than a millisecond, hence the small ones.
const SECONDS: &[f64] =
    &[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// How long streams are open, seconds: from a refusal at once to an answer of some minutes.
const LIFETIMES: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// From a change to the generation that follows it, and machine code: some milliseconds to the two minutes that a compiler
/// is given.
const WORK: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.04, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// Shares from 0 to 1.
const SHARES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// Registers families, each by its name, what it tells, and its labels.
#[derive(Clone, Copy)]
pub(crate) struct Declare<'a> {
    pub(crate) registry: &'a Registry,
    /// Where what is kept beside each family of histograms is found again.
    pub(crate) exemplars: &'a RefCell<Vec<Arc<Exemplars>>>,
}

impl Declare<'_> {
    fn counter<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Counters<N> {
        Family::register(self.registry, IntCounterVec::new(Opts::new(name, help), &labels))
    }

    /// A counter of amounts that need not be whole.
    fn sum<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Sums<N> {
        Family::register(self.registry, CounterVec::new(Opts::new(name, help), &labels))
    }

    fn gauge<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Gauges<N> {
        Family::register(self.registry, IntGaugeVec::new(Opts::new(name, help), &labels))
    }

    fn seconds<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Histograms<N> {
        self.histogram(name, help, labels, SECONDS)
    }

    fn lifetimes<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Histograms<N> {
        self.histogram(name, help, labels, LIFETIMES)
    }

    fn work<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Histograms<N> {
        self.histogram(name, help, labels, WORK)
    }

    fn shares<const N: usize>(self, name: &str, help: &str, labels: [&str; N]) -> Histograms<N> {
        self.histogram(name, help, labels, SHARES)
    }

    fn histogram<const N: usize>(
        self,
        name: &str,
        help: &str,
        labels: [&str; N],
        buckets: &'static [f64],
    ) -> Histograms<N> {
        let histograms = Histograms::register(self.registry, (name, help), labels, buckets);
        self.exemplars.borrow_mut().push(Arc::clone(histograms.exemplars()));
        histograms
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
    pub(crate) decision_confidence: Histograms<1>,
    pub(crate) plugin_executions: Counters<3>,
    pub(crate) plugin_latency: Histograms<1>,
    pub(crate) selections: Counters<3>,
    pub(crate) selection_duration: Histograms<1>,
    pub(crate) reasoning: Counters<4>,
}

impl Llm {
    pub(crate) fn declare(d: Declare<'_>) -> Self {
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
            decision_confidence: d.shares("llm_decision_confidence", "Confidence of the decisions taken.", [decision]),
            plugin_executions: d.counter("llm_plugin_execution_total", "Plugin calls.", plugin),
            plugin_latency: d.seconds("llm_plugin_execution_latency_seconds", "Plugin calls.", ["plugin_type"]),
            selections: d.counter("llm_model_selection_total", "Models chosen.", ["method", model, "decision"]),
            selection_duration: d.seconds("llm_model_selection_duration_seconds", "Time to choose.", ["method"]),
            reasoning: d.counter("llm_reasoning_decisions_total", "Requests by asking for reasoning.", reasoning),
        }
    }
}

/// What only we can tell: about ourselves, components, and the log.
pub(crate) struct Own {
    pub(crate) component_calls: Counters<3>,
    pub(crate) component_call_time: Histograms<2>,
    pub(crate) component_metrics: Sums<2>,
    pub(crate) component_log_dropped: Counters<1>,
    pub(crate) degraded: Counters<2>,
    pub(crate) decision_timeouts: Counters<0>,
    pub(crate) log_dropped: Counters<0>,
    pub(crate) traces: Counters<1>,
}

impl Own {
    pub(crate) fn declare(d: Declare<'_>, version: &str) -> Self {
        d.gauge("trackside_build_info", "Always 1; the label tells the version.", ["version"]).add([version], 1);
        let component = "component";
        let call = [component, "role", "outcome"];
        let counters = "Counters that components keep, at most 50 names each.";
        let log_lines = "Log lines of components above the limit of one call.";
        let timeouts = "Decisions that were not there in time: the default model.";
        let unwritten = "Log lines that standard error was too slow for.";
        Self {
            component_calls: d.counter("trackside_component_calls_total", "Calls into components.", call),
            component_call_time: d.seconds("trackside_component_call_seconds", "Their time.", [component, "role"]),
            component_metrics: d.sum("trackside_component_metric_total", counters, [component, "name"]),
            component_log_dropped: d.counter("trackside_component_log_dropped_total", log_lines, [component]),
            degraded: d.counter("trackside_degraded_total", "Failures that were tolerated.", [component, "reason"]),
            decision_timeouts: d.counter("trackside_decision_timeouts_total", timeouts, []),
            log_dropped: d.counter("trackside_log_dropped_total", unwritten, []),
            traces: d.counter("trackside_traces_total", "Traces by what became of them.", ["outcome"]),
        }
    }
}

/// What changes while traffic flows.
pub(crate) struct Changes {
    pub(crate) generation: Gauges<0>,
    pub(crate) generations: Counters<2>,
    pub(crate) generation_time: Histograms<1>,
    pub(crate) compile_time: Histograms<1>,
    pub(crate) breaker: Gauges<1>,
    pub(crate) breaker_changes: Counters<2>,
    pub(crate) shadow: Counters<2>,
    pub(crate) shadow_time: Histograms<1>,
    pub(crate) shadow_difference: Histograms<1>,
    pub(crate) canary: Counters<2>,
}

impl Changes {
    pub(crate) fn declare(d: Declare<'_>) -> Self {
        let (component, outcome) = ("component", "outcome");
        let breaker = "Components that are called (0), tried (1), or replaced by their failure policy (2).";
        let shadow = "Runs of candidates beside the active components.";
        let differences = "How far candidates' scores lay from the active components'.";
        Self {
            generation: d.gauge("trackside_generation", "The configuration that serves, counted from 1.", []),
            generations: d.counter("trackside_generations_total", "Changes by their end.", ["cause", outcome]),
            generation_time: d.work("trackside_generation_seconds", "From a change to its generation.", ["cause"]),
            compile_time: d.work("trackside_component_compile_seconds", "Time to get machine code.", [outcome]),
            breaker: d.gauge("trackside_component_breaker", breaker, [component]),
            breaker_changes: d.counter(
                "trackside_component_breaker_changes_total",
                "Changes of breakers.",
                [component, "state"],
            ),
            shadow: d.counter("trackside_shadow_total", shadow, [component, outcome]),
            shadow_time: d.seconds("trackside_shadow_seconds", "How long candidates took.", [component]),
            shadow_difference: d.shares("trackside_shadow_difference", differences, [component]),
            canary: d.counter("trackside_canary_total", "Requests for candidates to decide.", [component, outcome]),
        }
    }
}

/// What happens on processing streams and on the connections below them.
pub(crate) struct Streams {
    pub(crate) open: Gauges<0>,
    pub(crate) finished: Counters<1>,
    pub(crate) lifetime: Histograms<1>,
    pub(crate) messages: Counters<1>,
    pub(crate) phases: Histograms<1>,
    pub(crate) bytes: Counters<1>,
    pub(crate) held: Gauges<0>,
    pub(crate) encodings: Counters<2>,
    pub(crate) shed: Counters<1>,
    pub(crate) undecided: Counters<1>,
    pub(crate) handshakes: Counters<1>,
    pub(crate) certificates: Counters<1>,
}

impl Streams {
    pub(crate) fn declare(d: Declare<'_>) -> Self {
        let outcome = ["outcome"];
        let encodings = "Bodies that came compressed.";
        let undecided = "LLM calls that went on undecided, as their body was never shown.";
        let handshakes = "TLS handshakes of gateways.";
        let certificates = "Looks at certificate files that had changed.";
        Self {
            open: d.gauge("trackside_extproc_streams", "Processing streams open now.", []),
            finished: d.counter("trackside_extproc_streams_total", "Streams by how they ended.", outcome),
            lifetime: d.lifetimes("trackside_extproc_stream_seconds", "How long streams were open.", outcome),
            messages: d.counter("trackside_extproc_messages_total", "Messages of the gateway.", ["kind"]),
            phases: d.seconds("trackside_extproc_phase_seconds", "Time in each phase of a stream.", ["phase"]),
            bytes: d.counter("trackside_extproc_body_bytes_total", "Bytes of bodies.", ["direction"]),
            held: d.gauge("trackside_extproc_body_held_bytes", "Bytes of bodies held for decisions now.", []),
            encodings: d.counter("trackside_extproc_body_encodings_total", encodings, ["encoding", "outcome"]),
            shed: d.counter("trackside_extproc_shed_total", "Requests refused for want of room.", ["reason"]),
            undecided: d.counter("trackside_extproc_undecided_total", undecided, ["reason"]),
            handshakes: d.counter("trackside_tls_handshakes_total", handshakes, outcome),
            certificates: d.counter("trackside_tls_reloads_total", certificates, outcome),
        }
    }
}
