//! Which trace a request belongs to.

use super::Sampler;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A trace that is kept, and the place of ours in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub(crate) trace: [u8; 16],
    /// The first of our spans, which covers all others.
    pub(crate) span: [u8; 8],
    /// The span that it comes under.
    pub(crate) parent: Option<[u8; 8]>,
}

/// What a `traceparent` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

/// Makes ids that nobody can foresee: a keyed hash of a counter.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    key: RandomState,
    made: AtomicU64,
}

impl Context {
    /// The trace that a `traceparent` header names, or else a new one; `None` when it is not kept.
    pub(crate) fn begin(traceparent: Option<&str>, sampler: Sampler, ids: &Ids) -> Option<Self> {
        let (trace, parent, sampled) = match traceparent.and_then(Parent::parse) {
            Some(Parent { trace, span, sampled }) => (trace, Some(span), Some(sampled)),
            None => (ids.trace(), None, None),
        };
        sampler.keeps(trace, sampled).then(|| Self { trace, span: ids.span(), parent })
    }
}

impl Parent {
    /// Reads the W3C form `00-<trace>-<span>-<flags>`. Of a version to come, what it has in common with this one.
    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let [version] = hex(parts.next()?)?;
        let (trace, span, [flags]) = (hex(parts.next()?)?, hex(parts.next()?)?, hex(parts.next()?)?);
        let whole = version == 0 && parts.next().is_some();
        let valid = version != 0xff && !whole && trace != [0; 16] && span != [0; 8];
        valid.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl Ids {
    fn trace(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.chunks_mut(8).for_each(|half| half.copy_from_slice(&self.span()));
        id
    }

    /// Never all zeros, which means "no id".
    pub(crate) fn span(&self) -> [u8; 8] {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        self.key.hash_one(made).max(1).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_says() {
        let parent = Parent::parse(PARENT).unwrap();
        assert_eq!((parent.trace[0], parent.span[7], parent.sampled), (0x4b, 0xb7, true));
        assert!(!Parent::parse(&PARENT.replace("-01", "-02")).unwrap().sampled);
        assert!(Parent::parse(&format!(" {PARENT} ")).is_some());
        assert!(Parent::parse(&format!("{}-more", PARENT.replacen("00-", "01-", 1))).is_some());
        for bad in [
            "",
            "00",
            &format!("{PARENT}-more"),
            &PARENT.replacen("00-", "ff-", 1),
            &PARENT.replace("4bf92f", "4BF92F"),
            &PARENT.replace("4bf92f", "+bf92f"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace("b7-01", "b7-1"),
            "00-\u{e4}bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_trace_is_continued_or_begun() {
        let ids = Ids::default();
        let sampler = Sampler::Parent { otherwise: 1.0 };
        let continued = Context::begin(Some(PARENT), sampler, &ids).unwrap();
        assert_eq!((continued.trace[15], continued.parent.unwrap()[1]), (0x36, 0xf0));
        let (one, other) = (Context::begin(None, sampler, &ids), Context::begin(Some("nonsense"), sampler, &ids));
        assert_ne!(one.unwrap().trace, other.unwrap().trace);
        assert_eq!(one.unwrap().parent, None);
        assert_eq!(Context::begin(Some(&PARENT.replace("-01", "-00")), sampler, &ids), None);
    }
}
