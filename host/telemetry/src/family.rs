//! A family: series of one name that differ in their label values, and the limit on how many there are.

use prometheus::core::{Atomic, Collector, GenericCounterVec, MetricVec, MetricVecBuilder};
use prometheus::proto::Metric;
use prometheus::{IntGaugeVec, Registry};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

/// Most series of one family. What comes later is counted under the label value [`OTHER`], so that no client and no
/// component can make the process or its scraper grow.
const MOST: usize = 1000;
/// The label value of everything that is not worth a series of its own.
pub(crate) const OTHER: &str = "other";

/// A registered metric vector and the label values that have a series in it.
pub(crate) struct Family<V: Series, const N: usize> {
    /// Nothing when the library refused the declaration: a wrong name costs its family, not the process.
    registered: Option<V>,
    admitted: RwLock<Admitted<V::One>>,
    hasher: RandomState,
}

/// A metric vector, and what one of its series is.
pub(crate) trait Series {
    type One;
}

impl<B: MetricVecBuilder> Series for MetricVec<B> {
    type One = B::M;
}

/// The value of one of its labels.
pub(crate) fn label(series: &Metric, name: &str) -> String {
    let label = series.get_label().iter().find(|label| label.name() == name);
    label.map(|label| label.value().to_owned()).unwrap_or_default()
}

struct Admitted<M> {
    /// By the hash, under a key that nobody outside knows, of the label values.
    series: HashMap<u64, M>,
    /// The label values one behind the other. The library tells series apart by a hash of just these bytes: of `a`, `bc`
    /// and `ab`, `c` only the first that comes may have a series, or both would count in it.
    joined: HashSet<String>,
}

impl<M> Default for Admitted<M> {
    fn default() -> Self {
        Self { series: HashMap::default(), joined: HashSet::default() }
    }
}

impl<B: MetricVecBuilder + 'static, const N: usize> Family<MetricVec<B>, N> {
    pub(crate) fn register(registry: &Registry, declared: prometheus::Result<MetricVec<B>>) -> Self {
        let registered = declared.and_then(|series| registry.register(Box::new(series.clone())).map(|()| series)).ok();
        let family = Self { registered, admitted: RwLock::default(), hasher: RandomState::new() };
        if N == 0 {
            // Without labels there is nothing to wait for: show the zero from the start.
            family.on([OTHER; N], |_, _| ());
        }
        family
    }

    /// All series as they are now.
    pub(crate) fn read(&self) -> Vec<Metric> {
        let families = self.registered.as_ref().map(Collector::collect).unwrap_or_default();
        families.into_iter().flat_map(|mut family| family.take_metric()).collect()
    }

    /// What the combinations of label values are hashed with.
    pub(crate) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    /// Moves the series with these label values, which is created when it is new. With it comes the hash of its values.
    pub(crate) fn on(&self, values: [&str; N], act: impl Fn(&B::M, u64)) {
        let known = |combination| {
            let admitted = self.admitted.read().unwrap_or_else(PoisonError::into_inner);
            admitted.series.get(&combination).map(|series| act(series, combination))
        };
        let combination = self.hasher.hash_one(values);
        if known(combination).is_none() {
            known(self.admit(values, combination));
        }
    }

    /// Creates the series of new label values, or the one of the rest where there is no room for another. What comes back
    /// is the hash of the values that it has.
    fn admit(&self, values: [&str; N], combination: u64) -> u64 {
        let mut admitted = self.admitted.write().unwrap_or_else(PoisonError::into_inner);
        if admitted.series.contains_key(&combination) {
            return combination;
        }
        let has_room = admitted.series.len() < MOST && admitted.joined.insert(values.concat());
        let (values, combination) =
            if has_room { (values, combination) } else { ([OTHER; N], self.hasher.hash_one([OTHER; N])) };
        if let Some(series) = self.registered.as_ref().and_then(|all| all.get_metric_with_label_values(&values).ok()) {
            admitted.series.entry(combination).or_insert(series);
        }
        combination
    }
}

impl<P: Atomic + 'static, const N: usize> Family<GenericCounterVec<P>, N> {
    /// Adds an amount that is not negative.
    pub(crate) fn add(&self, values: [&str; N], by: P::T) {
        self.on(values, |counter, _| counter.inc_by(by));
    }
}

impl<const N: usize> Family<IntGaugeVec, N> {
    pub(crate) fn add(&self, values: [&str; N], by: i64) {
        self.on(values, |gauge, _| gauge.add(by));
    }

    pub(crate) fn set(&self, values: [&str; N], to: i64) {
        self.on(values, |gauge, _| gauge.set(to));
    }
}
