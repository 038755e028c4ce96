//! One method for each thing that happens; it moves every metric that the thing touches.

use crate::embedding::{EmbeddingCounts, Watched};
use crate::exemplar::Exemplars;
use crate::family::OTHER;
use crate::names::{Changes, Declare, Llm, Own, Streams};
use crate::openmetrics;
use prometheus::core::Collector;
use prometheus::{PullingGauge, Registry, TextEncoder};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The content type of [`Metrics::encode_openmetrics`].
pub const OPENMETRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Most counters of its own that one component may have.
const COMPONENT_COUNTERS: usize = 50;

/// All metrics of the process. Shared by reference; every method is cheap enough for the request path.
pub struct Metrics {
    registry: Registry,
    /// Of all families of histograms.
    exemplars: Vec<Arc<Exemplars>>,
    known_models: RwLock<HashSet<String>>,
    component_counters: RwLock<HashMap<String, HashSet<String>>>,
    llm: Llm,
    pub(crate) own: Own,
    pub(crate) changes: Changes,
    pub(crate) streams: Streams,
}

/// One request that goes to a model.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'a> {
    /// The model that the client asked for.
    pub original: &'a str,
    /// The model that it goes to.
    pub selected: &'a str,
    /// Why, such as `auto_routing` or `model_specified`.
    pub reason_code: &'a str,
    /// From the complete body to the answer.
    pub latency: Duration,
}

impl Metrics {
    /// All metrics at zero. `version` is that of the program.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let (registry, exemplars) = (Registry::new(), RefCell::default());
        let declare = Declare { registry: &registry, exemplars: &exemplars };
        Self {
            llm: Llm::declare(declare),
            own: Own::declare(declare, version),
            changes: Changes::declare(declare),
            streams: Streams::declare(declare),
            exemplars: exemplars.into_inner(),
            registry,
            known_models: RwLock::default(),
            component_counters: RwLock::default(),
        }
    }

    /// Declares the names that may appear as a model; every other one is counted as `other`.
    pub fn know_models(&self, names: impl IntoIterator<Item = String>) {
        *self.known_models.write().unwrap_or_else(PoisonError::into_inner) = names.into_iter().collect();
    }

    /// Shows what the embedding threads count. Asked whenever the metrics are; only the first source is.
    pub fn watch_embeddings(&self, counts: impl Fn() -> EmbeddingCounts + Send + Sync + 'static) {
        self.watch(Box::new(Watched(counts)));
    }

    /// Shows how many instances of components are alive. Asked whenever the metrics are; only the first source is.
    pub fn watch_instances(&self, alive: impl Fn() -> u64 + Send + Sync + 'static) {
        let help = "Instances of components alive now.";
        // A gauge holds a 64-bit float: exact up to 2^53 instances.
        #[expect(clippy::cast_precision_loss, reason = "no process has that many instances")]
        let alive = Box::new(move || alive() as f64);
        if let Ok(gauge) = PullingGauge::new("trackside_component_instances", help, alive) {
            self.watch(Box::new(gauge));
        }
    }

    pub(crate) fn watch(&self, source: Box<dyn Collector>) {
        // A second source is refused, and there is nobody to tell.
        let _ = self.registry.register(source);
    }

    /// A decision was not there in time, and the default model took its place.
    pub fn decision_timed_out(&self) {
        self.own.decision_timeouts.add([], 1);
    }

    /// A request goes to a model.
    pub fn routed(&self, routed: Routed<'_>) {
        let (original, selected) = (self.known(routed.original), self.known(routed.selected));
        self.llm.requests.add([selected], 1);
        if routed.original != routed.selected {
            self.llm.modifications.add([original, selected], 1);
        }
        self.llm.reason_codes.add([routed.reason_code, selected], 1);
        self.llm.routing_latency.time([], routed.latency);
    }

    /// A request was refused. `model` is what the client asked for, or empty.
    pub fn refused(&self, model: &str, reason: &str) {
        self.llm.request_errors.add([self.known(model), reason], 1);
    }

    /// All rules of one signal type were evaluated; `found` are the rules that matched.
    pub fn signal<'a>(&self, signal_type: &str, found: impl IntoIterator<Item = &'a str>, took: Duration) {
        let mut found = found.into_iter().peekable();
        if found.peek().is_none() {
            self.llm.signal_extractions.add([signal_type, "none"], 1);
        }
        for rule in found {
            self.llm.signal_extractions.add([signal_type, rule], 1);
            self.llm.signal_matches.add([signal_type, rule], 1);
        }
        self.llm.signal_latency.time([signal_type], took);
    }

    /// The decisions were evaluated and ranked; `taken` is the first one with its confidence.
    pub fn decision(&self, taken: Option<(&str, f32)>, took: Duration) {
        self.llm.decision_evaluations.add([], 1);
        self.llm.decision_latency.time([], took);
        if let Some((name, confidence)) = taken {
            self.llm.decision_matches.add([name], 1);
            self.llm.decision_confidence.share([name], confidence);
        }
    }

    /// A plugin ran. `status` is `success`, or how it failed.
    pub fn plugin(&self, plugin_type: &str, decision: &str, status: &str, took: Duration) {
        self.llm.plugin_executions.add([plugin_type, decision, status], 1);
        self.llm.plugin_latency.time([plugin_type], took);
    }

    /// A model was chosen. `method` is the selector's type.
    pub fn selection(&self, method: &str, model: &str, decision: &str, took: Duration) {
        self.llm.selections.add([method, self.known(model), decision], 1);
        self.llm.selection_duration.time([method], took);
    }

    /// Reasoning was switched on with an effort, or off (`None`), for a request of this category.
    pub fn reasoning(&self, category: &str, model: &str, effort: Option<&str>) {
        let enabled = if effort.is_some() { "true" } else { "false" };
        self.llm.reasoning.add([category, self.known(model), enabled, effort.unwrap_or("none")], 1);
    }

    /// A component was called. `outcome` is `ok`, or how the call failed.
    pub fn call(&self, component: &str, role: &str, outcome: &str, took: Duration) {
        self.own.component_calls.add([component, role, outcome], 1);
        self.own.component_call_time.time([component, role], took);
    }

    /// A component adds to a counter of its own. Amounts that are negative or not finite are ignored, and so are names
    /// that are no metric names; what comes after the fiftieth name is counted as `other`.
    pub fn component_metric(&self, component: &str, name: &str, by: f64) {
        if by.is_finite() && by >= 0.0 && is_name(name) {
            self.own.component_metrics.add([component, self.counter_name(component, name)], by);
        }
    }

    /// Log lines of a component were dropped.
    pub fn component_log_dropped(&self, component: &str, lines: u64) {
        self.own.component_log_dropped.add([component], lines);
    }

    /// A line of our own log was dropped.
    pub(crate) fn log_dropped(&self) {
        self.own.log_dropped.add([], 1);
    }

    /// Traces were `sent`; `failed`, as the collector did not take them; or `dropped`, as too many waited.
    pub(crate) fn traces(&self, outcome: &str, count: u64) {
        self.own.traces.add([outcome], count);
    }

    /// A component failed and the request went on without it.
    pub fn degraded(&self, component: &str, reason: &str) {
        self.own.degraded.add([component, reason], 1);
    }

    /// Everything as text of the type [`CONTENT_TYPE`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // The encoder refuses families without a series, which the registry leaves out.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }

    /// Everything as text of the type [`OPENMETRICS_TYPE`], with the traces of requests beside the buckets that they fell
    /// into.
    #[must_use]
    pub fn encode_openmetrics(&self) -> String {
        // Taken before the counts, so that whatever has an exemplar is also counted.
        let exemplars = self.exemplars.iter().map(|of| (of.family(), of.taken())).collect();
        openmetrics::encode(&self.registry.gather(), &exemplars)
    }

    fn known<'a>(&self, model: &'a str) -> &'a str {
        let known = self.known_models.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(model) { model } else { OTHER }
    }

    fn counter_name<'a>(&self, component: &str, name: &'a str) -> &'a str {
        let known = |names: &HashMap<String, HashSet<String>>| names.get(component).is_some_and(|n| n.contains(name));
        if known(&self.component_counters.read().unwrap_or_else(PoisonError::into_inner)) {
            return name;
        }
        let mut components = self.component_counters.write().unwrap_or_else(PoisonError::into_inner);
        let names = components.entry(component.to_owned()).or_default();
        if names.len() >= COMPONENT_COUNTERS {
            return OTHER;
        }
        names.insert(name.to_owned());
        name
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
