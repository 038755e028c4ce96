//! The identity of an embedding set-up.

use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

/// Says which set-up made a vector: weights, architecture, tokenizer, pooling, longest input and arithmetic. Vectors
/// with different fingerprints must never be compared or stored together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// Digests the parts in their order. Each part's length is digested too, so moving a byte from one part to the
    /// next changes the result.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_every_part_and_on_where_parts_end() {
        let base = Fingerprint::of(&[b"weights", b"tokenizer"]);
        assert_eq!(base, Fingerprint::of(&[b"weights", b"tokenizer"]));
        assert_ne!(base, Fingerprint::of(&[b"weights", b"tokenizes"]));
        assert_ne!(base, Fingerprint::of(&[b"weightst", b"okenizer"]));
        assert_ne!(base, Fingerprint::of(&[b"weights", b"tokenizer", b""]));
        assert_eq!(base.to_string().len(), 64);
    }
}
