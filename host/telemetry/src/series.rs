//! One time series: a counter, a gauge or a histogram, each a few atomics.

use crate::text::{Sample, Text};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a family is made of.
pub(crate) trait Series: Send + Sync {
    /// The word behind `# TYPE`.
    const KIND: &'static str;
    fn write(&self, out: &mut Text, sample: Sample<'_>);
}

/// Counts events.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, Relaxed);
    }
}

impl Series for Counter {
    const KIND: &'static str = "counter";

    fn write(&self, out: &mut Text, sample: Sample<'_>) {
        out.sample(sample, self.0.load(Relaxed));
    }
}

/// Sums amounts that need not be whole, as components report them.
#[derive(Debug, Default)]
pub(crate) struct Sum(AtomicU64);

impl Sum {
    /// Adds a finite amount that is not negative.
    pub(crate) fn add(&self, by: f64) {
        self.0.update(Relaxed, Relaxed, |bits| (f64::from_bits(bits) + by).to_bits());
    }
}

impl Series for Sum {
    const KIND: &'static str = "counter";

    fn write(&self, out: &mut Text, sample: Sample<'_>) {
        out.sample(sample, f64::from_bits(self.0.load(Relaxed)));
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicI64);

impl Gauge {
    pub(crate) fn add(&self, by: i64) {
        self.0.fetch_add(by, Relaxed);
    }
}

impl Series for Gauge {
    const KIND: &'static str = "gauge";

    fn write(&self, out: &mut Text, sample: Sample<'_>) {
        out.sample(sample, self.0.load(Relaxed));
    }
}

/// Counts observations by size.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    /// Billionths, so that one atomic addition is enough; seconds wrap after five centuries.
    sum: AtomicU64,
}

/// Latency in seconds. Half of the work here takes less than a millisecond, hence the small ones.
const SECONDS: &[f64] =
    &[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Shares from 0 to 1.
const SHARES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

impl Histogram {
    pub(crate) fn of_seconds() -> Self {
        Self::new(SECONDS)
    }

    pub(crate) fn of_shares() -> Self {
        Self::new(SHARES)
    }

    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    pub(crate) fn time(&self, took: Duration) {
        self.count(took.as_secs_f64(), u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn share(&self, share: f32) {
        let share = f64::from(if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 });
        // Confidences come as 32-bit floats: 0.7 is a little below its own bound as a 64-bit one unless rounded.
        let billionths = (share * 1e7).round() * 100.0;
        self.count(billionths / 1e9, billionths as u64);
    }

    fn count(&self, value: f64, billionths: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(billionths, Relaxed);
    }
}

impl Series for Histogram {
    const KIND: &'static str = "histogram";

    fn write(&self, out: &mut Text, sample: Sample<'_>) {
        let mut seen = 0;
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        for (bound, count) in bounds.zip(&self.counts) {
            seen += count.load(Relaxed);
            out.bucket(sample, bound, seen);
        }
        out.sample(Sample { suffix: "_sum", ..sample }, self.sum.load(Relaxed) as f64 / 1e9);
        out.sample(Sample { suffix: "_count", ..sample }, seen);
    }
}
