//! How components fare, read back from the metrics for whoever asks about them.

use crate::Metrics;
use crate::family::label;
use prometheus::proto::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// The calls of a component in a role since the program started, over all its versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    /// How many there were, by outcome: `ok`, or how they failed.
    pub outcomes: BTreeMap<String, u64>,
    /// Their mean time; nothing before the first call.
    pub mean: Option<Duration>,
    /// The time within which 99 of 100 ended, as exact as the buckets are; nothing before the first call.
    pub p99: Option<Duration>,
}

impl Metrics {
    /// The calls of all components, by role and type.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<(String, String), Calls> {
        let mut calls: BTreeMap<(String, String), Calls> = BTreeMap::new();
        for series in self.own.component_calls.read() {
            let key = (label(&series, "role"), label(&series, "component"));
            // A counter is a 64-bit float of whole numbers.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts, from zero")]
            let count = series.get_counter().get_value() as u64;
            calls.entry(key).or_default().outcomes.insert(label(&series, "outcome"), count);
        }
        for series in self.own.component_call_time.read() {
            let of = calls.entry((label(&series, "role"), label(&series, "component"))).or_default();
            (of.mean, of.p99) = (mean(series.get_histogram()), quantile(0.99, series.get_histogram()));
        }
        calls
    }
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Those with one outcome.
    #[must_use]
    pub fn with(&self, outcome: &str) -> u64 {
        self.outcomes.get(outcome).copied().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean of up to 2^53 calls")]
fn mean(times: &Histogram) -> Option<Duration> {
    let count = times.get_sample_count();
    (count > 0).then(|| Duration::try_from_secs_f64(times.get_sample_sum() / count as f64).unwrap_or_default())
}

/// Inside a bucket the calls count as evenly spread; beyond the last bound its bound is told.
#[expect(clippy::cast_precision_loss, reason = "a share of up to 2^53 calls")]
fn quantile(share: f64, times: &Histogram) -> Option<Duration> {
    let rank = share * times.get_sample_count() as f64;
    let mut below = (0.0, 0.0);
    for bucket in times.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite()) {
        let (bound, count) = (bucket.upper_bound(), bucket.cumulative_count() as f64);
        if count >= rank && count > below.1 {
            let part = (rank - below.1) / (count - below.1);
            return Duration::try_from_secs_f64(below.0 + (bound - below.0) * part).ok();
        }
        below = (bound, count);
    }
    (rank > 0.0).then(|| Duration::try_from_secs_f64(below.0).unwrap_or_default())
}
