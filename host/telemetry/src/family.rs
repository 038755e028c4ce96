//! A family: series of one name that differ in their label values.

use crate::series::Series;
use crate::text::{Sample, Text};
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// Most series of one family. What comes later is counted under the label value [`OTHER`], so that no client and no
/// component can make the process or its scraper grow.
const MOST: usize = 1000;
/// The label value of everything that is not worth a series of its own.
pub(crate) const OTHER: &str = "other";

/// Series sorted by their label values: a look-up is a binary search that allocates nothing, under a lock that is only
/// ever taken for writing when a new series appears.
pub(crate) struct Family<S, const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    create: fn() -> S,
    series: RwLock<Vec<([Box<str>; N], S)>>,
}

impl<S: Series, const N: usize> Family<S, N> {
    pub(crate) fn new(name: &'static str, help: &'static str, labels: [&'static str; N], create: fn() -> S) -> Self {
        Self { name, help, labels, create, series: RwLock::default() }
    }

    /// Runs `act` on the series with these label values, which is created when it is new.
    pub(crate) fn with(&self, values: [&str; N], act: impl FnOnce(&S)) {
        {
            let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, found)) = position(&series, &values).ok().and_then(|at| series.get(at)) {
                return act(found);
            }
        }
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let values = if series.len() < MOST { values } else { [OTHER; N] };
        let at = position(&series, &values).unwrap_or_else(|at| {
            series.insert(at, (values.map(Box::from), (self.create)()));
            at
        });
        if let Some((_, found)) = series.get(at) {
            act(found);
        }
    }
}

/// Where the series is, or else where it belongs.
fn position<S, const N: usize>(series: &[([Box<str>; N], S)], values: &[&str; N]) -> Result<usize, usize> {
    series.binary_search_by(|(labels, _)| labels.iter().map(AsRef::as_ref).cmp(values.iter().copied()))
}

/// A family of any kind, as the exposition sees it.
pub(crate) trait Expose: Send + Sync {
    fn expose(&self, out: &mut Text);
}

impl<S: Series, const N: usize> Expose for Family<S, N> {
    fn expose(&self, out: &mut Text) {
        out.head(self.name, self.help, S::KIND);
        for (values, series) in self.series.read().unwrap_or_else(PoisonError::into_inner).iter() {
            series.write(out, Sample { name: self.name, suffix: "", labels: &self.labels, values });
        }
    }
}

impl<S, const N: usize> fmt::Debug for Family<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.name).finish_non_exhaustive()
    }
}
