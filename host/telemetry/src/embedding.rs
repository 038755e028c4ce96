//! What the embedding threads count for themselves, read when somebody looks.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, Opts};

/// The state of the embedding threads. All but what waits and what is remembered now only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingCounts {
    /// Texts that wait for a thread now.
    pub waiting: u64,
    /// Texts that were embedded.
    pub done: u64,
    /// Texts whose time was up before a thread was free.
    pub expired: u64,
    /// Texts that nobody waited for any more.
    pub abandoned: u64,
    /// Texts refused because too many waited.
    pub refused: u64,
    /// Texts answered from memory.
    pub remembered: u64,
    /// Texts that were not in memory.
    pub new: u64,
    /// Bytes of remembered vectors now.
    pub memory_bytes: u64,
}

/// Asks for the counts whenever the metrics are.
pub(crate) struct Watched<F>(pub(crate) F);

impl<F: Fn() -> EmbeddingCounts + Send + Sync> Collector for Watched<F> {
    /// None: the library then takes what is collected as it comes.
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = (self.0)();
        let texts = [
            ("done", counts.done),
            ("expired", counts.expired),
            ("abandoned", counts.abandoned),
            ("refused", counts.refused),
        ];
        let memory = [("hit", counts.remembered), ("miss", counts.new)];
        let families = [
            gauge("trackside_embedding_waiting", "Texts that wait for an embedding thread now.", counts.waiting),
            counter("trackside_embedding_texts_total", "Texts by what became of them.", "outcome", &texts),
            counter(
                "trackside_embedding_memory_total",
                "Texts by whether their vector was remembered.",
                "result",
                &memory,
            ),
            gauge("trackside_embedding_memory_bytes", "Bytes of remembered vectors now.", counts.memory_bytes),
        ];
        families.into_iter().flatten().collect()
    }
}

fn gauge(name: &str, help: &str, value: u64) -> Vec<MetricFamily> {
    let gauge = IntGauge::new(name, help).ok();
    gauge
        .map(|gauge| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.collect()
        })
        .unwrap_or_default()
}

fn counter(name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> Vec<MetricFamily> {
    let Ok(counter) = IntCounterVec::new(Opts::new(name, help), &[label]) else { return Vec::new() };
    values.iter().for_each(|(word, value)| counter.with_label_values(&[word]).inc_by(*value));
    counter.collect()
}
