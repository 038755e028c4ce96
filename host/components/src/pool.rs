//! Warm instances of one configured component.

use crate::error::CallError;
use crate::guest::Guest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct Pool {
    resting: Mutex<Resting>,
    permits: Semaphore,
    created: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Resting {
    /// Last used on top: its memory is the likeliest to be in a cache.
    guests: Vec<Guest>,
    /// How few there were since [`Pool::spare`] looked last.
    fewest: usize,
}

/// How the instances of a configured component have fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceCounts {
    /// Made and configured since the component was.
    pub created: u64,
    /// Dropped: trapped, stopped, cancelled, or grown too large. Those that were not needed any more do not count.
    pub dropped: u64,
    /// At rest now.
    pub idle: usize,
}

/// The right to run one instance. It starts out as poison: unless [`Checkout::give_back`] is reached, the instance is
/// dropped with it, whether by a return, an unwinding, or a caller that dropped the future.
pub(crate) struct Checkout<'a> {
    pool: &'a Pool,
    guest: Option<Guest>,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    /// For so many instances, at least 1.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            resting: Mutex::default(),
            permits: Semaphore::new(size.clamp(1, Semaphore::MAX_PERMITS)),
            created: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Takes an instance, or the right to make one. Waits while all are out.
    pub(crate) async fn checkout(&self, deadline: Instant) -> Result<Checkout<'_>, CallError> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => match tokio::time::timeout_at(deadline.into(), self.permits.acquire()).await {
                Ok(Ok(permit)) => permit,
                _ => return Err(CallError::Exhausted),
            },
        };
        let mut resting = self.resting();
        let guest = resting.guests.pop();
        resting.fewest = resting.fewest.min(resting.guests.len());
        drop(resting);
        Ok(Checkout { pool: self, guest, _permit: permit })
    }

    pub(crate) fn counts(&self) -> InstanceCounts {
        InstanceCounts {
            created: self.created.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            idle: self.resting().guests.len(),
        }
    }

    /// Takes out the instances that nobody has needed since the last look, but one: the next request is to find one.
    pub(crate) fn spare(&self) -> Vec<Guest> {
        let mut resting = self.resting();
        let spare = resting.fewest.min(resting.guests.len().saturating_sub(1));
        let spare = resting.guests.drain(..spare).collect();
        resting.fewest = resting.guests.len();
        spare
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkout<'_> {
    /// The instance, if there was one.
    pub(crate) fn guest(&mut self) -> Option<&mut Guest> {
        self.guest.as_mut()
    }

    /// Adds the instance that was missing.
    pub(crate) fn fill(&mut self, guest: Guest) -> &mut Guest {
        self.pool.created.fetch_add(1, Ordering::Relaxed);
        self.guest.insert(guest)
    }

    /// Returns the instance for the next call, unless it is so full that the next call may not fit.
    pub(crate) fn give_back(mut self) {
        if let Some(guest) = self.guest.take_if(|guest| !guest.store.data().memory.is_nearly_full()) {
            self.pool.resting().guests.push(guest);
        }
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if self.guest.take().is_some() {
            self.pool.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
