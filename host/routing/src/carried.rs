//! What snapshots in use have configured, so that the next one uses it again.

use crate::guarded::Guarded;
use crate::shadow::{Comparison, Pair};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use trackside_components::Digest;

/// Finds configured components by the identity of what they were made from, with their instances and the state of their
/// breakers, as long as some snapshot uses them: it keeps nothing alive itself. Cheap to clone; all clones know the same.
#[derive(Clone, Debug, Default)]
pub struct Carried(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    guarded: HashMap<Digest, Weak<Guarded>>,
    comparisons: HashMap<Pair, Weak<Comparison>>,
    /// Cases that came out as they should, by their own and their component's identity, for as long as something of that
    /// component is in use.
    proven: HashMap<Digest, Weak<Guarded>>,
}

impl Carried {
    pub(crate) fn find(&self, identity: Digest) -> Option<Arc<Guarded>> {
        self.known().guarded.get(&identity)?.upgrade()
    }

    pub(crate) fn keep(&self, guarded: &Arc<Guarded>) {
        self.known().guarded.insert(guarded.identity, Arc::downgrade(guarded));
    }

    /// The comparison of two components, going on where an earlier snapshot has one.
    pub(crate) fn comparison(&self, pair: Pair) -> Arc<Comparison> {
        let mut known = self.known();
        if let Some(comparison) = known.comparisons.get(&pair).and_then(Weak::upgrade) {
            return comparison;
        }
        let comparison = Arc::default();
        known.comparisons.insert(pair, Arc::downgrade(&comparison));
        comparison
    }

    /// Whether these cases came out as they should while something of their component was in use ever since.
    pub(crate) fn has_proven(&self, cases: Digest) -> bool {
        self.known().proven.get(&cases).is_some_and(|guarded| guarded.strong_count() > 0)
    }

    pub(crate) fn prove(&self, cases: Digest, guarded: &Arc<Guarded>) {
        self.known().proven.insert(cases, Arc::downgrade(guarded));
    }

    /// Forgets what nobody uses any more.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        let Known { guarded, comparisons, proven } = &mut *known;
        guarded.retain(|_, guarded| guarded.strong_count() > 0);
        comparisons.retain(|_, comparison| comparison.strong_count() > 0);
        proven.retain(|_, guarded| guarded.strong_count() > 0);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
