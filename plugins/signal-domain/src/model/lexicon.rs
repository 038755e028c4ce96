//! A linear classifier over the words of a text.

use super::stems::Stem;

/// What each known stem says about each label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lexicon {
    /// In increasing order.
    pub(crate) stems: Vec<Stem>,
    /// How rare each stem is.
    pub(crate) rarity: Vec<f32>,
    /// One row of weights a stem, one column a label.
    pub(crate) weights: Vec<i8>,
    /// What 1 is in each column.
    pub(crate) scales: Vec<f32>,
}

impl Lexicon {
    /// How much the stems of a text speak for each label: near 1 for the right one and near 0 for the others, if they say
    /// anything.
    pub(crate) fn scores(&self, text: &[(Stem, u32)]) -> Vec<f32> {
        let mut scores = vec![0.0; self.scales.len()];
        for (row, amount) in self.terms(text) {
            let weights = self.weights.get(row * scores.len()..).unwrap_or_default();
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += amount * f32::from(*weight);
            }
        }
        scores.iter_mut().zip(&self.scales).for_each(|(score, scale)| *score *= scale);
        scores
    }

    /// The known stems of a text by their rows, and how much of its vector of length 1 each has.
    pub(crate) fn terms(&self, text: &[(Stem, u32)]) -> Vec<(usize, f32)> {
        let known = text.iter().filter_map(|(stem, count)| {
            let row = self.stems.binary_search(stem).ok()?;
            Some((row, (1.0 + (*count as f32).ln()) * self.rarity.get(row)?))
        });
        let mut terms: Vec<(usize, f32)> = known.collect();
        let length = terms.iter().map(|(_, amount)| amount * amount).sum::<f32>().sqrt();
        terms.iter_mut().for_each(|(_, amount)| *amount /= length);
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::super::stems::stems;
    use super::*;

    fn lexicon() -> Lexicon {
        let mut words = [("cell", [127, 0], 3.0), ("court", [0, 127], 4.0), ("the", [10, 10], 1.0)];
        words.sort_by_key(|(word, ..)| stems(word)[0].0);
        Lexicon {
            stems: words.iter().map(|(word, ..)| stems(word)[0].0).collect(),
            rarity: words.iter().map(|(.., rarity)| *rarity).collect(),
            weights: words.iter().flat_map(|(_, weights, _)| *weights).collect(),
            scales: vec![1.0 / 127.0; 2],
        }
    }

    #[test]
    fn words_speak_for_their_label() {
        let scores = lexicon().scores(&stems("the cell, the unheard"));
        assert!(scores[0] > 0.8 && scores[1] < 0.1, "{scores:?}");
        let scores = lexicon().scores(&stems("cell court"));
        assert!((scores[0] - 0.6).abs() < 1e-6 && (scores[1] - 0.8).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn a_text_without_a_known_word_says_nothing() {
        assert_eq!(lexicon().scores(&stems("unheard")), [0.0, 0.0]);
        assert_eq!(lexicon().scores(&[]), [0.0, 0.0]);
        assert!(Lexicon::default().scores(&stems("cell")).is_empty());
    }
}
