//! Vectors of recent texts, so that a text that comes again costs no pass.

use crate::{EmbedError, Embedding, Fingerprint};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Longer texts are not remembered: their digest is made on the caller's thread, and takes 0.1 ms at this length.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// What a vector costs beside its numbers: its key, its place in the table, and the header of its allocation.
const ENTRY_BYTES: usize = 128;

/// Remembers vectors up to a number of bytes, those that were asked for again the longest. Of several callers with the
/// same new text one computes, and the others wait for it.
pub(crate) struct Memo {
    vectors: Cache<Key, Embedding, Bytes>,
    /// Has digested the fingerprint: a vector is of a text by a set-up.
    begun: Sha256,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Half of a SHA-256, so that nobody can write a text that is given the vector of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key([u8; 16]);

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Embedding> for Bytes {
    fn weight(&self, _: &Key, vector: &Embedding) -> u64 {
        entry_bytes(vector.as_slice().len())
    }
}

fn entry_bytes(dimensions: usize) -> u64 {
    dimensions.saturating_mul(size_of::<f32>()).saturating_add(ENTRY_BYTES) as u64
}

impl Memo {
    pub(crate) fn new(fingerprint: &Fingerprint, dimensions: usize, max_bytes: usize) -> Self {
        let max_bytes = max_bytes as u64;
        let entries = usize::try_from(max_bytes / entry_bytes(dimensions)).unwrap_or(usize::MAX);
        Self {
            vectors: Cache::with_weighter(entries, max_bytes, Bytes),
            begun: Sha256::new_with_prefix(fingerprint.as_str()),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The remembered vector of the text, or what `pass` computes, which is remembered. Errors are not: the next caller
    /// tries again, as does one of those who wait.
    pub(crate) async fn embed(
        &self,
        text: &str,
        pass: impl Future<Output = Result<Embedding, EmbedError>>,
    ) -> Result<Embedding, EmbedError> {
        if text.len() > MAX_TEXT_BYTES {
            return pass.await;
        }
        match self.vectors.get_value_or_guard_async(&self.key(text)).await {
            Ok(vector) => {
                self.hits.fetch_add(1, Relaxed);
                Ok(vector)
            }
            Err(place) => {
                self.misses.fetch_add(1, Relaxed);
                let vector = pass.await?;
                // Fails when the place was taken away for others meanwhile; then it is not remembered.
                let _ = place.insert(vector.clone());
                Ok(vector)
            }
        }
    }

    /// Texts answered without a pass of their own.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.vectors.weight()
    }

    fn key(&self, text: &str) -> Key {
        let digest = self.begun.clone().chain_update(text).finalize();
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memo(part: &[u8], max_bytes: usize) -> Memo {
        Memo::new(&Fingerprint::of(&[part]), 2, max_bytes)
    }

    #[test]
    fn keys_depend_on_text_and_set_up() {
        let (one, other) = (memo(b"one", 1 << 20), memo(b"other", 1 << 20));
        assert_eq!(one.key("text"), one.key("text"));
        assert_ne!(one.key("text"), one.key("texts"));
        assert_ne!(one.key("text"), other.key("text"));
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_recent_texts_stay() {
        let memo = memo(b"one", 10_000);
        let vector = || std::future::ready(Embedding::normalise(vec![1.0, 0.0]));
        for index in 0..1_000 {
            memo.embed(&format!("text {index}"), vector()).await.unwrap();
            assert!(memo.bytes() <= 10_000, "{}", memo.bytes());
        }
        assert!(memo.bytes() > 8_000, "{}", memo.bytes());
        memo.embed("text 999", std::future::pending()).await.unwrap();
        assert_eq!((memo.hits(), memo.misses()), (1, 1_000));
    }

    #[tokio::test]
    async fn long_texts_are_not_remembered() {
        let memo = memo(b"one", 1 << 20);
        let text = "a".repeat(MAX_TEXT_BYTES + 1);
        for _ in 0..2 {
            memo.embed(&text, std::future::ready(Embedding::normalise(vec![1.0, 0.0]))).await.unwrap();
        }
        assert_eq!((memo.hits(), memo.bytes()), (0, 0));
    }
}
