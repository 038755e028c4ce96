//! What changes while traffic flows: generations, compiled components, breakers, candidates.

use crate::Metrics;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts};
use std::time::Duration;

/// Whether a component is called, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breaker {
    /// It is.
    Closed,
    /// One call in a while is, to see whether it works again.
    HalfOpen,
    /// It is not: its failure policy answers.
    Open,
}

/// Which generations streams hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Streams on the live generation.
    pub live: u64,
    /// Streams on earlier ones.
    pub earlier: u64,
    /// Generations that are in memory, the live one among them.
    pub generations: u64,
}

impl Breaker {
    /// The word in metrics and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Breaker::Closed => "closed",
            Breaker::HalfOpen => "half_open",
            Breaker::Open => "open",
        }
    }

    fn level(self) -> i64 {
        match self {
            Breaker::Closed => 0,
            Breaker::HalfOpen => 1,
            Breaker::Open => 2,
        }
    }
}

impl Metrics {
    /// A generation serves from now on. `cause` is what brought it, such as `start`, `file` or `rollback`; `took` is the
    /// time from the moment that the change was noticed.
    pub fn generation_published(&self, id: u64, cause: &str, took: Duration) {
        self.changes.generation.set([], i64::try_from(id).unwrap_or(i64::MAX));
        self.changes.generations.add([cause, "published"], 1);
        self.changes.generation_time.time([cause], took);
    }

    /// A change was refused, and the generation before it goes on serving.
    pub fn generation_refused(&self, cause: &str) {
        self.changes.generations.add([cause, "refused"], 1);
    }

    /// Nothing that counts had changed.
    pub fn generation_unchanged(&self, cause: &str) {
        self.changes.generations.add([cause, "unchanged"], 1);
    }

    /// Shows which generations streams hold. Asked whenever the metrics are; only the first source is.
    pub fn watch_pins(&self, pins: impl Fn() -> Pins + Send + Sync + 'static) {
        if let Ok(pinned) = Pinned::new(pins) {
            self.watch(Box::new(pinned));
        }
    }

    /// Machine code of a component was made: `compiled`, found in the `cache`, or `failed`.
    pub fn compiled(&self, outcome: &str, took: Duration) {
        self.changes.compile_time.time([outcome], took);
    }

    /// The breaker of a component changed.
    pub fn breaker(&self, component: &str, state: Breaker) {
        self.changes.breaker.set([component], state.level());
        self.changes.breaker_changes.add([component, state.as_str()], 1);
    }

    /// A candidate ran beside the active component of its type: it `agreed`, `differed`, was `dropped` as too many runs
    /// waited, or failed as calls fail (`trap`, `deadline` and so on). One that was not called took no time.
    pub fn shadow(&self, component: &str, outcome: &str, took: Option<Duration>) {
        self.changes.shadow.add([component, outcome], 1);
        if let Some(took) = took {
            self.changes.shadow_time.time([component], took);
        }
    }

    /// How far a candidate's score lay from the active component's, 0 to 1.
    pub fn shadow_difference(&self, component: &str, difference: f32) {
        self.changes.shadow_difference.share([component], difference.abs());
    }

    /// A request was a candidate's to decide: it `decided`, or `failed` and the active component did.
    pub fn canary(&self, component: &str, outcome: &str) {
        self.changes.canary.add([component, outcome], 1);
    }
}

/// Asks for the pins whenever the metrics are.
struct Pinned<F> {
    pins: F,
    streams: IntGaugeVec,
    generations: IntGauge,
}

impl<F> Pinned<F> {
    fn new(pins: F) -> prometheus::Result<Self> {
        let streams = Opts::new("trackside_pinned_streams", "Streams by the generation that they hold.");
        let streams = IntGaugeVec::new(streams, &["generation"])?;
        let generations = IntGauge::new("trackside_generations_held", "Generations in memory now.")?;
        Ok(Self { pins, streams, generations })
    }
}

impl<F: Fn() -> Pins + Send + Sync> Collector for Pinned<F> {
    fn desc(&self) -> Vec<&Desc> {
        [self.streams.desc(), self.generations.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Pins { live, earlier, generations } = (self.pins)();
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.streams.with_label_values(&["live"]).set(count(live));
        self.streams.with_label_values(&["earlier"]).set(count(earlier));
        self.generations.set(count(generations));
        [self.streams.collect(), self.generations.collect()].concat()
    }
}
