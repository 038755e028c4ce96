//! Unit vectors, and the seam behind which any encoder fits.

use crate::{EmbedError, Fingerprint};
use std::{fmt, sync::Arc};

/// Embeds texts, one at a time, on the calling thread. Implementations are pure: one text always has one vector.
pub trait Embedder: Send + Sync {
    /// Which set-up makes these vectors.
    fn fingerprint(&self) -> &Fingerprint;

    /// The length of every vector.
    fn dimensions(&self) -> usize;

    /// Embeds one text. Takes milliseconds of CPU time: call it through [`Workers`](crate::Workers) from async code.
    /// Text beyond the model's longest input is left out.
    ///
    /// # Errors
    /// The variants of [`EmbedError`] that concern the model or the text.
    fn embed(&self, text: &str) -> Result<Embedding, EmbedError>;
}

/// A vector of length 1; cloning shares it.
#[derive(Clone, PartialEq)]
pub struct Embedding(Arc<[f32]>);

impl Embedding {
    /// Scales a vector to length 1.
    ///
    /// # Errors
    /// [`EmbedError::NoDirection`] when all numbers are 0, or one is not finite.
    pub fn normalise(mut values: Vec<f32>) -> Result<Self, EmbedError> {
        let length = dot(&values, &values).sqrt();
        if !length.is_normal() {
            return Err(EmbedError::NoDirection { length });
        }
        values.iter_mut().for_each(|value| *value /= length);
        Ok(Self(values.into()))
    }

    /// The cosine similarity of the two texts, -1 to 1.
    pub fn dot(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({} dimensions)", self.0.len())
    }
}

/// The dot product; of unit vectors, their cosine. Vectors of different lengths come from different models and have
/// nothing in common: 0.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Independent sums let the compiler use vector registers: it must not reorder one running sum by itself.
    const LANES: usize = 16;
    if a.len() != b.len() {
        return 0.0;
    }
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_covers_whole_blocks_and_the_rest() {
        for length in [0, 1, 15, 16, 17, 32, 384, 387] {
            let a: Vec<f32> = (0..length).map(|i| i as f32 % 7.0).collect();
            let b: Vec<f32> = (0..length).map(|i| i as f32 % 5.0 - 2.0).collect();
            let expected: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert!((dot(&a, &b) - expected).abs() < 1e-3, "length {length}");
        }
        assert_eq!(dot(&[1.0, 1.0], &[1.0]), 0.0);
    }

    #[test]
    fn normalise_gives_length_one() {
        let vector = Embedding::normalise(vec![3.0, 4.0]).unwrap();
        assert_eq!(vector.as_slice(), [0.6, 0.8]);
        assert!((vector.dot(&vector) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn normalise_refuses_vectors_without_direction() {
        for values in [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0], vec![1e30, 1e30]] {
            assert!(matches!(Embedding::normalise(values), Err(EmbedError::NoDirection { .. })));
        }
    }
}
