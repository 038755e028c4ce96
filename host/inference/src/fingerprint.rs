//! The identity of an embedding set-up.

use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

/// Says which set-up made a vector: model, tokenizer, longest input and arithmetic. Vectors with different fingerprints
/// must never be compared or stored together, with one exception: where approximate vectors will do, as for a classifier
/// that was fitted on another machine, those of one [`model`](Self::model) can be compared.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    whole: Arc<str>,
    model: Arc<str>,
}

impl Fingerprint {
    /// Digests the parts in their order. Each part's length is digested too, so moving a byte from one part to the
    /// next changes the result. The model is the whole.
    pub fn of(parts: &[&[u8]]) -> Self {
        let whole: Arc<str> = digest(parts).into();
        Self { model: Arc::clone(&whole), whole }
    }

    /// One model in one of its set-ups. The first parts say what its vectors mean, the others how they are made.
    pub(crate) fn of_model(meaning: &[&[u8]], making: &[&[u8]]) -> Self {
        let model: Arc<str> = digest(meaning).into();
        let parts: Vec<&[u8]> = [model.as_bytes()].into_iter().chain(making.iter().copied()).collect();
        Self { whole: digest(&parts).into(), model }
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// What the vectors mean, whatever arithmetic made them: the original weights, the pooling, and what of the layers and
    /// dimensions is kept. A quantised model shares it with the model it was made from. 64 hexadecimal digits.
    pub fn model(&self) -> &str {
        &self.model
    }
}

/// In hexadecimal digits.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// The digest that `sha256sum` prints.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
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

    #[test]
    fn a_model_keeps_its_meaning_in_every_set_up() {
        let int8 = Fingerprint::of_model(&[b"weights"], &[b"int8"]);
        let fp32 = Fingerprint::of_model(&[b"weights"], &[b"fp32"]);
        assert_ne!(int8, fp32);
        assert_eq!(int8.model(), fp32.model());
        assert_ne!(int8.model(), Fingerprint::of_model(&[b"others"], &[b"int8"]).model());
    }

    #[test]
    fn digests_as_sha256sum_does() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
