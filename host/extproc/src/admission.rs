//! How much is under way in all streams together, and the room that one of them takes.

use crate::limits::Limits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What all streams share.
#[derive(Debug)]
pub(crate) struct Admission {
    streams: AtomicUsize,
    held: AtomicUsize,
    most_streams: usize,
    most_held: usize,
}

/// Why a request is refused although nothing is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// Too many streams are open.
    Streams,
    /// The bodies under way hold as much as they may.
    Bytes,
}

impl Shed {
    /// The text form for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Shed::Streams => "streams",
            Shed::Bytes => "bytes",
        }
    }
}

/// One open stream. Gives its place back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    /// The stream came when there were too many already.
    pub(crate) extra: bool,
}

/// Bytes that are held. Gives them back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    admission: Arc<Admission>,
    bytes: usize,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Arc<Admission> {
        Arc::new(Admission {
            streams: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            most_streams: limits.streams,
            most_held: limits.held_bytes,
        })
    }

    pub(crate) fn enter(self: &Arc<Admission>) -> Place {
        let before = self.streams.fetch_add(1, Relaxed);
        Place { admission: Arc::clone(self), extra: before >= self.most_streams }
    }
}

impl Place {
    pub(crate) fn lease(&self) -> Lease {
        Lease { admission: Arc::clone(&self.admission), bytes: 0 }
    }
}

impl Lease {
    /// Holds more, if there is room.
    pub(crate) fn grow(&mut self, by: usize) -> Result<(), Shed> {
        let held = &self.admission.held;
        if held.fetch_add(by, Relaxed).saturating_add(by) > self.admission.most_held {
            held.fetch_sub(by, Relaxed);
            return Err(Shed::Bytes);
        }
        self.bytes = self.bytes.saturating_add(by);
        Ok(())
    }

    /// Takes over what another one holds.
    pub(crate) fn absorb(&mut self, mut other: Lease) {
        self.bytes = self.bytes.saturating_add(std::mem::take(&mut other.bytes));
    }

    pub(crate) fn release(&mut self) {
        self.admission.held.fetch_sub(std::mem::take(&mut self.bytes), Relaxed);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.streams.fetch_sub(1, Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(streams: usize, held_bytes: usize) -> Arc<Admission> {
        Admission::new(&Limits { streams, held_bytes, ..Limits::default() })
    }

    #[test]
    fn a_stream_is_extra_while_too_many_are_open() {
        let admission = admission(2, 0);
        let first = admission.enter();
        let second = admission.enter();
        assert!(!first.extra && !second.extra && admission.enter().extra);
        drop(first);
        assert!(!admission.enter().extra);
    }

    #[test]
    fn bytes_are_held_up_to_the_limit_and_given_back() {
        let admission = admission(9, 100);
        let place = admission.enter();
        let (mut one, mut other) = (place.lease(), place.lease());
        one.grow(60).unwrap();
        assert_eq!(other.grow(41), Err(Shed::Bytes));
        other.grow(40).unwrap();
        assert_eq!(other.grow(1), Err(Shed::Bytes));
        one.absorb(other);
        assert_eq!((one.bytes(), admission.held.load(Relaxed)), (100, 100));
        drop(one);
        assert_eq!(admission.held.load(Relaxed), 0);
        place.lease().grow(100).unwrap();
    }
}
