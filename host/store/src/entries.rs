//! The values of one namespace, ordered by age and by expiry.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

/// About what the bookkeeping of one entry takes, so that many tiny values are bounded as well as few large ones.
pub(crate) const ENTRY_BYTES: usize = 224;

#[derive(Default)]
pub(crate) struct Entries {
    by_key: HashMap<Arc<str>, Entry>,
    /// Oldest write first.
    by_age: BTreeMap<u64, Arc<str>>,
    by_expiry: BTreeSet<(Instant, u64)>,
    writes: u64,
    bytes: usize,
}

pub(crate) struct Entry {
    pub(crate) value: Arc<[u8]>,
    /// `None` lives until it is evicted.
    pub(crate) expires: Option<Instant>,
    age: u64,
}

pub(crate) fn entry_bytes(key: &str, value: &[u8]) -> usize {
    ENTRY_BYTES + key.len() + value.len()
}

impl Entries {
    /// What the entries take, expired ones included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entry, unless it is absent or expired.
    pub(crate) fn live(&self, key: &str, now: Instant) -> Option<&Entry> {
        self.by_key.get(key).filter(|entry| entry.expires.is_none_or(|expires| expires > now))
    }

    pub(crate) fn insert(&mut self, key: Arc<str>, value: Arc<[u8]>, expires: Option<Instant>) {
        self.remove(&key);
        let age = self.writes;
        self.writes += 1;
        self.bytes += entry_bytes(&key, &value);
        self.by_age.insert(age, Arc::clone(&key));
        self.by_expiry.extend(expires.map(|expires| (expires, age)));
        self.by_key.insert(key, Entry { value, expires, age });
    }

    pub(crate) fn remove(&mut self, key: &str) {
        if let Some((key, entry)) = self.by_key.remove_entry(key) {
            self.bytes -= entry_bytes(&key, &entry.value);
            self.by_age.remove(&entry.age);
            if let Some(expires) = entry.expires {
                self.by_expiry.remove(&(expires, entry.age));
            }
        }
    }

    pub(crate) fn remove_expired(&mut self, now: Instant) {
        while let Some((_, age)) = self.by_expiry.first().copied().filter(|(expires, _)| *expires <= now) {
            match self.by_age.get(&age).cloned() {
                Some(key) => self.remove(&key),
                None => drop(self.by_expiry.pop_first()),
            }
        }
    }

    /// Brings the entries down to `limit` bytes: expired ones go first, then the oldest. Returns how many went before
    /// their time. Expired entries stay while there is room, since nobody sees them.
    pub(crate) fn shrink_to(&mut self, limit: usize, now: Instant) -> u64 {
        if self.bytes <= limit {
            return 0;
        }
        self.remove_expired(now);
        let mut evicted = 0;
        while self.bytes > limit {
            let Some((_, key)) = self.by_age.pop_first() else { break };
            self.remove(&key);
            evicted += 1;
        }
        evicted
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.by_key.is_empty() && self.by_age.is_empty() && self.by_expiry.is_empty()
    }
}
