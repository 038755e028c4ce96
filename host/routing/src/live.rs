//! The one mutable thing: which snapshot new streams get.

use crate::Snapshot;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The snapshot now being served.
#[derive(Debug)]
pub struct Live(ArcSwap<Snapshot>);

impl Live {
    /// Starts with a first snapshot.
    #[must_use]
    pub fn new(first: Snapshot) -> Live {
        Live(ArcSwap::from_pointee(first))
    }

    /// Pins the current snapshot for one stream. Later swaps do not affect it.
    #[must_use]
    pub fn pin(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Publishes `next` and returns the snapshot that it replaced, so that the caller can roll back.
    pub fn publish(&self, next: Snapshot) -> Arc<Snapshot> {
        self.0.swap(Arc::new(next))
    }
}
