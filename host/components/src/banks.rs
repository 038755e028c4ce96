//! Texts that a component compares requests with, embedded once and shared by all its instances.

use crate::capability::{Embed, EmbedFailure};
use crate::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The contract's limit on one bank.
pub(crate) const MOST_TEXTS: usize = 100_000;

/// More banks than a component has reasons for.
pub(crate) const MOST_BANKS: usize = 64;

/// Embedding runs while a configuration is loaded, where nobody waits but the operator.
const PATIENCE: Duration = Duration::from_secs(600);

/// A bank as `configure` declares it. Nothing is embedded inside the guest's call, so that a slow model does not look
/// like a slow component.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) texts: Vec<String>,
}

/// All banks of one configured component. Never modified: another configuration makes others.
#[derive(Debug, Default)]
pub(crate) struct Banks(HashMap<String, Bank>);

#[derive(Debug)]
pub(crate) struct Bank {
    identity: Digest,
    dimensions: usize,
    /// One row after the other.
    vectors: Vec<f32>,
}

impl Banks {
    /// Embeds what was declared. On failure, also tells which bank.
    pub(crate) async fn embed(declared: Vec<Declared>, model: &dyn Embed) -> Result<Self, (String, EmbedFailure)> {
        let mut banks = HashMap::with_capacity(declared.len());
        for Declared { name, texts } in declared {
            let rows = model.embed_all(&texts, Instant::now() + PATIENCE).await;
            let bank = rows.and_then(|rows| Bank::new(identity(&texts), &rows));
            match bank {
                Ok(bank) => banks.insert(name, bank),
                Err(failure) => return Err((name, failure)),
            };
        }
        Ok(Self(banks))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Bank> {
        self.0.get(name)
    }

    /// Whether a new instance declares a bank as the first one did.
    pub(crate) fn holds(&self, name: &str, texts: &[String]) -> bool {
        self.get(name).is_some_and(|bank| bank.identity == identity(texts))
    }
}

impl Bank {
    fn new(identity: Digest, rows: &[Arc<[f32]>]) -> Result<Self, EmbedFailure> {
        let dimensions = rows.first().map_or(0, |row| row.len());
        if rows.iter().any(|row| row.len() != dimensions) {
            return Err(EmbedFailure::Internal("the model made vectors of different lengths".to_owned()));
        }
        let vectors = rows.iter().flat_map(|row| row.iter().copied()).collect();
        Ok(Self { identity, dimensions, vectors })
    }

    /// Cosine similarity of a vector of length 1 to every row, in order.
    pub(crate) fn similarities(&self, vector: &[f32]) -> Result<Vec<f32>, EmbedFailure> {
        if self.vectors.is_empty() {
            return Ok(Vec::new());
        }
        if vector.len() != self.dimensions {
            return Err(EmbedFailure::Internal("the bank was embedded by another model".to_owned()));
        }
        Ok(self.vectors.chunks_exact(self.dimensions).map(|row| dot(row, vector)).collect())
    }
}

fn identity(texts: &[String]) -> Digest {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    Digest::from(<[u8; 32]>::from(hash.finalize()))
}

/// Sixteen sums side by side, because one running sum has to be added in order and so cannot be vectorised.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<16>();
    let (b_lanes, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums.iter().sum::<f32>() + rest).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{NoModel, Waiting};

    struct Letters;

    impl Embed for Letters {
        fn available(&self) -> bool {
            true
        }

        fn embed<'a>(&'a self, text: &'a str, _: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
            let axis = text.bytes().next().unwrap_or(b'a') - b'a';
            Box::pin(async move { Ok((0..20).map(|place| f32::from(u8::from(place == axis))).collect()) })
        }
    }

    fn declare(texts: &[&str]) -> Vec<Declared> {
        vec![Declared { name: "b".to_owned(), texts: texts.iter().map(ToString::to_string).collect() }]
    }

    #[tokio::test]
    async fn similarities_come_in_the_order_of_the_texts() {
        let banks = Banks::embed(declare(&["a", "r", "b"]), &Letters).await.unwrap();
        let vector = Letters.embed("r", Instant::now()).await.unwrap();
        assert_eq!(banks.get("b").unwrap().similarities(&vector).unwrap(), [0.0, 1.0, 0.0]);
    }

    #[tokio::test]
    async fn a_bank_is_known_by_its_texts_and_their_borders() {
        let banks = Banks::embed(declare(&["ab", "c"]), &Letters).await.unwrap();
        assert!(banks.holds("b", &["ab".to_owned(), "c".to_owned()]));
        assert!(!banks.holds("b", &["a".to_owned(), "bc".to_owned()]));
        assert!(!banks.holds("other", &["ab".to_owned(), "c".to_owned()]));
    }

    #[tokio::test]
    async fn a_vector_of_another_length_is_refused_and_an_empty_bank_answers_nothing() {
        let banks = Banks::embed(declare(&["a"]), &Letters).await.unwrap();
        assert!(banks.get("b").unwrap().similarities(&[1.0]).is_err());
        let banks = Banks::embed(declare(&[]), &Letters).await.unwrap();
        assert!(banks.get("b").unwrap().similarities(&[1.0]).unwrap().is_empty());
    }

    #[tokio::test]
    async fn without_a_model_the_bank_is_named() {
        let failed = Banks::embed(declare(&["a"]), &NoModel).await.unwrap_err();
        assert_eq!(failed, ("b".to_owned(), EmbedFailure::Unavailable));
    }

    #[test]
    fn a_dot_product_counts_every_place() {
        let a: Vec<f32> = (0..37).map(|_| 0.1).collect();
        assert!((dot(&a, &a) - 0.37).abs() < 1e-6);
    }
}
