//! Generations that are no longer live, until their last stream has ended.

use super::Generation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// How often it is looked whether streams have ended, while there are such generations.
const PAUSE: Duration = Duration::from_millis(50);

/// Holds each of them once, so that it is never a stream that drops the last reference: that gives back the memory of
/// instances and machine code, and waits for the threads of a model.
#[derive(Debug, Default)]
pub(super) struct Draining {
    generations: Mutex<Vec<Arc<Generation>>>,
    came: Notify,
}

impl Draining {
    pub(super) fn push(&self, generation: Arc<Generation>) {
        self.locked().push(generation);
        self.came.notify_one();
    }

    /// The ids of those that are left, and how many hold each.
    pub(super) fn pins(&self) -> Vec<(u64, usize)> {
        self.locked().iter().map(|generation| (generation.id(), Arc::strong_count(generation) - 1)).collect()
    }

    /// Drops what nobody holds any more, for as long as it is polled.
    pub(super) async fn reap(&self) {
        loop {
            if self.locked().is_empty() {
                self.came.notified().await;
            }
            tokio::time::sleep(PAUSE).await;
            // Nobody can pin what is not live, so a count of one stays one.
            let ended: Vec<_> = self.locked().extract_if(.., |generation| Arc::strong_count(generation) == 1).collect();
            if ended.is_empty() {
                continue;
            }
            let dropped = spawn_blocking(move || {
                for generation in ended {
                    tracing::info!(event = "drained", generation = generation.id());
                }
            });
            // A destructor that panics has told so, and the next generation must be dropped all the same.
            let _ = dropped.await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Arc<Generation>>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
