//! A key-value store with expiry, atomic updates, and bounds in bytes.

use crate::entries::{Entries, Entry, entry_bytes};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub const MAX_KEY_BYTES: usize = 1 << 10;
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// All namespaces, in one budget of bytes. Cloning shares the store.
#[derive(Clone)]
pub struct KeyValue(Arc<Store>);

/// One owner's values. Owners cannot see each other's, and each has a lock of its own.
#[derive(Clone)]
pub struct Namespace {
    store: Arc<Store>,
    entries: Arc<Mutex<Entries>>,
}

/// How many bytes may be kept: keys, values and about 200 bytes of bookkeeping an entry. Writes under way can exceed
/// the whole store's limit by what they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub store_bytes: usize,
    pub namespace_bytes: usize,
}

impl Default for Limits {
    /// 64 MiB in all, 16 MiB for each owner.
    fn default() -> Self {
        Self { store_bytes: 64 << 20, namespace_bytes: 16 << 20 }
    }
}

/// For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub bytes: usize,
    /// Values removed before their time because a limit was reached, since the start.
    pub evicted: u64,
}

/// Why a value was not read or written. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("the key has {bytes} bytes, expected at most {limit}")]
    KeyTooLong { bytes: usize, limit: usize },
    #[error("the value has {bytes} bytes, expected at most {limit}")]
    ValueTooLong { bytes: usize, limit: usize },
    #[error("the entry takes {bytes} bytes, more than the {limit} of its namespace")]
    NamespaceTooSmall { bytes: usize, limit: usize },
    #[error("the value is not a counter, expected a decimal number of 64 bits")]
    NotACounter,
    #[error("the counter would leave the range of 64 bits")]
    CounterOverflow,
}

struct Store {
    limits: Limits,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
    namespaces: Mutex<HashMap<Box<str>, Arc<Mutex<Entries>>>>,
    bytes: AtomicUsize,
    evicted: AtomicU64,
}

impl KeyValue {
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Instant::now)
    }

    /// A store whose values expire by this clock, which must not go back.
    pub fn with_clock(limits: Limits, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(Store {
            limits,
            clock: Box::new(clock),
            namespaces: Mutex::default(),
            bytes: AtomicUsize::new(0),
            evicted: AtomicU64::new(0),
        }))
    }

    /// The owner's namespace; the same one for the same owner, however often it is asked for.
    pub fn namespace(&self, owner: &str) -> Namespace {
        let entries = Arc::clone(lock(&self.0.namespaces).entry(owner.into()).or_default());
        Namespace { store: Arc::clone(&self.0), entries }
    }

    pub fn usage(&self) -> Usage {
        Usage { bytes: self.0.bytes.load(Relaxed), evicted: self.0.evicted.load(Relaxed) }
    }
}

impl Namespace {
    /// The value, unless it is absent or its time has passed.
    ///
    /// # Errors
    /// [`StoreError::KeyTooLong`].
    pub fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        check_key(key)?;
        let now = (self.store.clock)();
        Ok(lock(&self.entries).live(key, now).map(|entry| Arc::clone(&entry.value)))
    }

    /// Stores a value, for this long or until it is evicted. Where room is needed, expired values go first, then those
    /// written longest ago.
    ///
    /// # Errors
    /// [`StoreError`]'s variants about sizes.
    pub fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StoreError> {
        let value = checked_value(value)?;
        self.update(key, ttl, |_, expires| Ok(((), Some(Write { value, expires }))))
    }

    /// Adds to a counter and returns the sum; an absent one starts at 0. It lives for the `ttl` of the first addition,
    /// whatever later ones say, so that it can count within a window. To the other calls it is decimal text.
    ///
    /// # Errors
    /// [`StoreError::NotACounter`], [`StoreError::CounterOverflow`], or one about sizes.
    pub fn add(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, StoreError> {
        self.update(key, ttl, |current, fresh| {
            let before = current.map_or(Ok(0), |entry| parse_counter(&entry.value))?;
            let sum = before.checked_add(by).ok_or(StoreError::CounterOverflow)?;
            let expires = current.map_or(fresh, |entry| entry.expires);
            Ok((sum, Some(Write { value: sum.to_string().into_bytes().into(), expires })))
        })
    }

    /// Stores a value only if the present one is `expected`, where `None` means absent or expired. Tells whether it did.
    ///
    /// # Errors
    /// [`StoreError`]'s variants about sizes.
    pub fn swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let value = checked_value(value)?;
        self.update(key, ttl, |current, expires| {
            let holds = current.map(|entry| &*entry.value) == expected;
            Ok((holds, holds.then_some(Write { value, expires })))
        })
    }

    /// The one way to write: `change` sees the live entry and the expiry of a fresh one, and all of it is one step for
    /// everybody else.
    fn update<R>(
        &self,
        key: &str,
        ttl: Option<Duration>,
        change: impl FnOnce(Option<&Entry>, Option<Instant>) -> Result<(R, Option<Write>), StoreError>,
    ) -> Result<R, StoreError> {
        check_key(key)?;
        let now = (self.store.clock)();
        let mut entries = lock(&self.entries);
        // A time beyond what the clock can say never comes.
        let (result, write) = change(entries.live(key, now), ttl.and_then(|ttl| now.checked_add(ttl)))?;
        if let Some(write) = write {
            self.store.insert(&mut entries, key, write, now)?;
            drop(entries);
            self.store.shrink(now);
        }
        Ok(result)
    }
}

struct Write {
    value: Arc<[u8]>,
    expires: Option<Instant>,
}

impl Store {
    fn insert(&self, entries: &mut Entries, key: &str, write: Write, now: Instant) -> Result<(), StoreError> {
        let bytes = entry_bytes(key, &write.value);
        let limit = self.limits.namespace_bytes.min(self.limits.store_bytes);
        let Some(rest) = limit.checked_sub(bytes) else {
            return Err(StoreError::NamespaceTooSmall { bytes, limit });
        };
        self.account(entries, |entries| {
            entries.remove(key);
            let evicted = entries.shrink_to(rest, now);
            entries.insert(key.into(), write.value, write.expires);
            evicted
        });
        Ok(())
    }

    /// Brings the whole store below its limit: expired values of all owners go first, then the oldest of whoever has
    /// most, so that one owner's flood does not wash away the few values of another.
    fn shrink(&self, now: Instant) {
        if self.excess() == 0 {
            return;
        }
        let namespaces: Vec<_> = lock(&self.namespaces).values().cloned().collect();
        for entries in &namespaces {
            self.account(&mut lock(entries), |entries| {
                entries.remove_expired(now);
                0
            });
        }
        while self.excess() > 0 {
            let Some(largest) = namespaces.iter().max_by_key(|entries| lock(entries).bytes()) else { return };
            let mut largest = lock(largest);
            if largest.bytes() == 0 {
                return;
            }
            let limit = largest.bytes().saturating_sub(self.excess());
            self.account(&mut largest, |entries| entries.shrink_to(limit, now));
        }
    }

    fn excess(&self) -> usize {
        self.bytes.load(Relaxed).saturating_sub(self.limits.store_bytes)
    }

    /// Keeps the totals in step with a change of one namespace, which returns how many values it evicted.
    fn account(&self, entries: &mut Entries, change: impl FnOnce(&mut Entries) -> u64) {
        let before = entries.bytes();
        self.evicted.fetch_add(change(entries), Relaxed);
        // One step, wrapping when the change is negative: between two, others would see a total that never was.
        self.bytes.fetch_add(entries.bytes().wrapping_sub(before), Relaxed);
    }
}

fn check_key(key: &str) -> Result<(), StoreError> {
    match key.len() {
        0..=MAX_KEY_BYTES => Ok(()),
        bytes => Err(StoreError::KeyTooLong { bytes, limit: MAX_KEY_BYTES }),
    }
}

/// Copies the value before any lock is taken.
fn checked_value(value: &[u8]) -> Result<Arc<[u8]>, StoreError> {
    match value.len() {
        0..=MAX_VALUE_BYTES => Ok(value.into()),
        bytes => Err(StoreError::ValueTooLong { bytes, limit: MAX_VALUE_BYTES }),
    }
}

fn parse_counter(value: &[u8]) -> Result<i64, StoreError> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(StoreError::NotACounter)
}

/// A caller cannot panic while it holds a lock of this module, so a poisoned one still guards whole data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValue").field("limits", &self.0.limits).field("usage", &self.usage()).finish()
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").field("bytes", &lock(&self.entries).bytes()).finish()
    }
}

#[cfg(test)]
mod tests;
