//! Exemplars: beside each bucket the trace of the last request that fell into it.

use crate::family::label;
use crate::trace::Context;
use prometheus::proto::Metric;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::SystemTime;

/// One request that fell into a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exemplar {
    pub(crate) trace: Context,
    pub(crate) value: f64,
    pub(crate) at: SystemTime,
}

/// By the hash of a series' label values: one place for each bound and one for what lies above the last.
type Series = BTreeMap<u64, Box<[Option<Exemplar>]>>;

/// The exemplars of one family of histograms.
#[derive(Debug)]
pub(crate) struct Exemplars {
    family: String,
    labels: Vec<String>,
    bounds: &'static [f64],
    /// Makes the keys from the values of the labels, in the labels' order.
    hasher: RandomState,
    series: Mutex<Series>,
}

/// Exemplars as they were at one moment.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    from: &'a Exemplars,
    series: Series,
}

impl Exemplars {
    pub(crate) fn new(family: &str, labels: &[&str], bounds: &'static [f64], hasher: RandomState) -> Self {
        let labels = labels.iter().map(ToString::to_string).collect();
        Self { family: family.to_owned(), labels, bounds, hasher, series: Mutex::default() }
    }

    /// The name of the family.
    pub(crate) fn family(&self) -> &str {
        &self.family
    }

    /// Remembers a request in a series; not when another one is being remembered, as it is not worth a wait.
    pub(crate) fn keep(&self, combination: u64, value: f64, trace: Context) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        let mut series = match self.series.try_lock() {
            Ok(series) => series,
            Err(TryLockError::Poisoned(series)) => series.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let buckets = series.entry(combination).or_insert_with(|| vec![None; self.bounds.len() + 1].into());
        if let Some(place) = buckets.get_mut(bucket) {
            // Scrapers refuse an exemplar that is older than the one before, so the time is taken under the lock.
            *place = Some(Exemplar { trace, value, at: SystemTime::now() });
        }
    }

    pub(crate) fn taken(&self) -> Taken<'_> {
        Taken { from: self, series: self.series.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }
}

impl Taken<'_> {
    /// Those of one series, from the lowest bucket on.
    pub(crate) fn of(&self, series: &Metric) -> &[Option<Exemplar>] {
        let values: Vec<String> = self.from.labels.iter().map(|name| label(series, name)).collect();
        self.series.get(&self.from.hasher.hash_one(&values[..])).map(|buckets| &**buckets).unwrap_or_default()
    }
}
