//! A family: series of one name that differ in their label values, and the limit on how many there are.

use prometheus::core::{Atomic, Collector, GenericCounterVec, MetricVec, MetricVecBuilder};
use prometheus::proto::Metric;
use prometheus::{IntGaugeVec, Registry};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

/// Most series of one family. What comes later is counted under the label value [`OTHER`], so that no client and no
/// component can make the process or its scraper grow.
const MOST: usize = 1000;
/// The label value of everything that is not worth a series of its own.
pub(crate) const OTHER: &str = "other";

/// A registered metric vector and the label values that may have a series in it.
pub(crate) struct Family<V, const N: usize> {
    /// Nothing when the library refused the declaration: a wrong name costs its family, not the process.
    series: Option<V>,
    admitted: RwLock<Admitted>,
    hasher: RandomState,
}

/// The value of one of its labels.
pub(crate) fn label(series: &Metric, name: &str) -> String {
    let label = series.get_label().iter().find(|label| label.name() == name);
    label.map(|label| label.value().to_owned()).unwrap_or_default()
}

#[derive(Default)]
struct Admitted {
    /// Hashes, under a key that nobody outside knows, of the label values.
    combinations: HashSet<u64>,
    /// The label values one behind the other. The library tells series apart by a hash of just these bytes: of `a`, `bc`
    /// and `ab`, `c` only the first that comes may have a series, or both would count in it.
    joined: HashSet<String>,
}

impl<B: MetricVecBuilder + 'static, const N: usize> Family<MetricVec<B>, N> {
    pub(crate) fn register(registry: &Registry, declared: prometheus::Result<MetricVec<B>>) -> Self {
        let series = declared.and_then(|series| registry.register(Box::new(series.clone())).map(|()| series)).ok();
        let family = Self { series, admitted: RwLock::default(), hasher: RandomState::new() };
        if N == 0 {
            // Without labels there is nothing to wait for: show the zero from the start.
            family.with([OTHER; N]);
        }
        family
    }

    /// All series as they are now.
    pub(crate) fn read(&self) -> Vec<Metric> {
        let families = self.series.as_ref().map(Collector::collect).unwrap_or_default();
        families.into_iter().flat_map(|mut family| family.take_metric()).collect()
    }

    /// What the combinations of label values are hashed with.
    pub(crate) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    /// The series with these label values, which is created when it is new, and the hash of the values that it has.
    pub(crate) fn series(&self, values: [&str; N]) -> Option<(B::M, u64)> {
        let combination = self.hasher.hash_one(values);
        let (values, combination) = match self.admits(&values, combination) {
            true => (values, combination),
            false => ([OTHER; N], self.hasher.hash_one([OTHER; N])),
        };
        Some((self.series.as_ref()?.get_metric_with_label_values(&values).ok()?, combination))
    }

    fn with(&self, values: [&str; N]) -> Option<B::M> {
        self.series(values).map(|(series, _)| series)
    }

    fn admits(&self, values: &[&str; N], combination: u64) -> bool {
        if self.admitted.read().unwrap_or_else(PoisonError::into_inner).combinations.contains(&combination) {
            return true;
        }
        let mut admitted = self.admitted.write().unwrap_or_else(PoisonError::into_inner);
        admitted.combinations.contains(&combination)
            || admitted.combinations.len() < MOST
                && admitted.joined.insert(values.concat())
                && admitted.combinations.insert(combination)
    }
}

impl<P: Atomic + 'static, const N: usize> Family<GenericCounterVec<P>, N> {
    /// Adds an amount that is not negative.
    pub(crate) fn add(&self, values: [&str; N], by: P::T) {
        if let Some(counter) = self.with(values) {
            counter.inc_by(by);
        }
    }
}

impl<const N: usize> Family<IntGaugeVec, N> {
    pub(crate) fn add(&self, values: [&str; N], by: i64) {
        if let Some(gauge) = self.with(values) {
            gauge.add(by);
        }
    }

    pub(crate) fn set(&self, values: [&str; N], to: i64) {
        if let Some(gauge) = self.with(values) {
            gauge.set(to);
        }
    }
}
