//! Histograms of one name, and the traces of the requests that they measured.

use crate::exemplar::Exemplars;
use crate::family::Family;
use crate::trace;
use prometheus::proto::Metric;
use prometheus::{HistogramOpts, HistogramVec, Registry};
use std::sync::Arc;
use std::time::Duration;

/// A registered family of histograms with its exemplars.
pub(crate) struct Histograms<const N: usize> {
    family: Family<HistogramVec, N>,
    exemplars: Arc<Exemplars>,
}

impl<const N: usize> Histograms<N> {
    pub(crate) fn register(
        registry: &Registry,
        (name, help): (&str, &str),
        labels: [&str; N],
        buckets: &'static [f64],
    ) -> Self {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let family = Family::register(registry, HistogramVec::new(options, &labels));
        let exemplars = Arc::new(Exemplars::new(name, &labels, buckets, family.hasher().clone()));
        Self { family, exemplars }
    }

    pub(crate) fn exemplars(&self) -> &Arc<Exemplars> {
        &self.exemplars
    }

    /// All series as they are now.
    pub(crate) fn read(&self) -> Vec<Metric> {
        self.family.read()
    }

    pub(crate) fn time(&self, values: [&str; N], took: Duration) {
        self.observe(values, took.as_secs_f64());
    }

    /// A share from 0 to 1; what lies outside counts as the nearer end, and what is no number as 0.
    pub(crate) fn share(&self, values: [&str; N], share: f32) {
        let share = f64::from(if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 });
        // Confidences come as 32-bit floats: 0.7 is a little below its own bound as a 64-bit one unless rounded.
        self.observe(values, (share * 1e7).round() / 1e7);
    }

    fn observe(&self, values: [&str; N], value: f64) {
        self.family.on(values, |histogram, combination| {
            histogram.observe(value);
            if let Some(trace) = trace::current() {
                self.exemplars.keep(combination, value, trace);
            }
        });
    }
}
