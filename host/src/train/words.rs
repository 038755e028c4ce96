//! The head over words: ridge regression of the labels on the stems, by conjugate gradients.

use super::evidence::Sample;
use super::model::lexicon::Lexicon;
use super::model::stems::Stem;
use std::collections::BTreeMap;

/// Texts that a stem has to be in.
const LEAST_TEXTS: usize = 2;
/// The strength of the ridge.
const RIDGE: f64 = 1.0;
/// Steps after which the accuracy no longer changes.
const STEPS: usize = 20;

/// Fits a lexicon to labelled texts.
pub(super) fn fit(samples: &[&Sample], labels: usize) -> Lexicon {
    let mut texts: BTreeMap<Stem, usize> = BTreeMap::new();
    for (stem, _) in samples.iter().flat_map(|sample| &sample.stems) {
        *texts.entry(*stem).or_default() += 1;
    }
    texts.retain(|_, texts| *texts >= LEAST_TEXTS);
    let rarity = |texts: &usize| (((1 + samples.len()) as f64 / (1 + texts) as f64).ln() + 1.0) as f32;
    let mut lexicon = Lexicon {
        stems: texts.keys().copied().collect(),
        rarity: texts.values().map(rarity).collect(),
        ..Lexicon::default()
    };
    let terms = samples.iter().map(|sample| lexicon.terms(&sample.stems)).collect();
    let weights = Ridge { terms, stems: lexicon.stems.len(), labels }.solve(samples);
    lexicon.scales = (0..labels)
        .map(|label| {
            weights.iter().skip(label).step_by(labels).fold(0.0, |most: f64, weight| most.max(weight.abs())) / 127.0
        })
        .map(|scale| if scale > 0.0 { scale as f32 } else { 1.0 })
        .collect();
    let rows = weights.chunks(labels.max(1));
    lexicon.weights = rows
        .flat_map(|row| row.iter().zip(&lexicon.scales))
        // Between -127 and 127 by the choice of the scale.
        .map(|(weight, scale)| (weight / f64::from(*scale)).round() as i8)
        .collect();
    lexicon
}

/// The least squares of `terms * weights - targets`, all labels side by side.
struct Ridge {
    /// Of each text, the stems by their rows with their amounts.
    terms: Vec<Vec<(usize, f32)>>,
    stems: usize,
    labels: usize,
}

impl Ridge {
    /// One row of weights a stem.
    fn solve(&self, samples: &[&Sample]) -> Vec<f64> {
        let mut rest = self.back(&self.targets(samples));
        let mut direction = rest.clone();
        let mut weights = vec![0.0; rest.len()];
        let mut size = self.products(&rest, &rest);
        for _ in 0..STEPS {
            let mut image = self.back(&self.forth(&direction));
            image.iter_mut().zip(&direction).for_each(|(image, direction)| *image += RIDGE * direction);
            let step = ratios(&size, &self.products(&direction, &image));
            self.add(&mut weights, &step, &direction);
            self.add(&mut rest, &step.iter().map(|step| -step).collect::<Vec<_>>(), &image);
            let left = self.products(&rest, &rest);
            let turn = ratios(&left, &size);
            let mut next = rest.clone();
            self.add(&mut next, &turn, &direction);
            (direction, size) = (next, left);
        }
        weights
    }

    /// 1 for a text's own label and 0 for the others, around their means.
    fn targets(&self, samples: &[&Sample]) -> Vec<f64> {
        let mut targets = vec![0.0; samples.len() * self.labels];
        let mut means = vec![0.0; self.labels];
        for (row, sample) in targets.chunks_mut(self.labels).zip(samples) {
            if let (Some(target), Some(mean)) = (row.get_mut(sample.label), means.get_mut(sample.label)) {
                *target = 1.0;
                *mean += 1.0 / samples.len() as f64;
            }
        }
        for row in targets.chunks_mut(self.labels) {
            row.iter_mut().zip(&means).for_each(|(target, mean)| *target -= mean);
        }
        targets
    }

    /// `terms * weights`
    fn forth(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.terms.len() * self.labels];
        for (sums, terms) in sums.chunks_mut(self.labels).zip(&self.terms) {
            for (stem, amount) in terms {
                let weights = weights.get(stem * self.labels..).unwrap_or_default();
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += f64::from(*amount) * weight);
            }
        }
        sums
    }

    /// `transposed terms * values`
    fn back(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.stems * self.labels];
        for (values, terms) in values.chunks(self.labels).zip(&self.terms) {
            for (stem, amount) in terms {
                let sums = sums.get_mut(stem * self.labels..).unwrap_or_default();
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*amount) * value);
            }
        }
        sums
    }

    /// The dot products of the columns.
    fn products(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.labels];
        for (a, b) in a.chunks(self.labels).zip(b.chunks(self.labels)) {
            sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        }
        sums
    }

    fn add(&self, to: &mut [f64], amounts: &[f64], what: &[f64]) {
        for (to, what) in to.chunks_mut(self.labels).zip(what.chunks(self.labels)) {
            to.iter_mut().zip(amounts.iter().zip(what)).for_each(|(to, (amount, what))| *to += amount * what);
        }
    }
}

/// Column by column; where there is nothing left to divide, nothing.
fn ratios(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| if *b > f64::MIN_POSITIVE { a / b } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::stems::stems;
    use super::*;
    use trackside_inference::Embedding;

    fn samples(texts: &[(&str, usize)]) -> Vec<Sample> {
        let vector = Embedding::normalise(vec![1.0]).unwrap();
        let sample = |&(text, label): &(&str, usize)| Sample {
            file: 0,
            label,
            fold: 0,
            stems: stems(text),
            vector: vector.clone(),
        };
        texts.iter().map(sample).collect()
    }

    fn fitted(texts: &[(&str, usize)], labels: usize) -> Lexicon {
        let samples = samples(texts);
        fit(&samples.iter().collect::<Vec<_>>(), labels)
    }

    #[test]
    fn words_speak_for_the_label_they_are_used_in() {
        let lexicon = fitted(
            &[
                ("the cell and its gene", 0),
                ("a gene in a cell", 0),
                ("the court and the contract", 1),
                ("a contract before the court", 1),
                ("once", 1),
            ],
            2,
        );
        assert_eq!(lexicon.stems.len(), 7, "words of one text are left out: a and cell contract court gene the");
        for (text, likeliest) in [("which cell", 0), ("the gene", 0), ("my contract", 1), ("court!", 1)] {
            let scores = lexicon.scores(&stems(text));
            assert!(scores[likeliest] > scores[1 - likeliest] + 0.1, "{text}: {scores:?}");
        }
    }

    /// Two words that never meet: the equations fall apart into `(n + 1) * weight = sum of targets`, and by symmetry.
    #[test]
    fn the_solution_is_that_of_the_ridge() {
        let lexicon = fitted(&[("alpha", 0), ("alpha", 0), ("beta", 1), ("beta", 1)], 2);
        let scores = lexicon.scores(&stems("alpha"));
        assert!((scores[0] - 1.0 / 3.0).abs() < 1e-2 && (scores[1] + 1.0 / 3.0).abs() < 1e-2, "{scores:?}");
    }

    #[test]
    fn texts_without_a_common_word_give_a_lexicon_that_says_nothing() {
        let lexicon = fitted(&[("one", 0), ("two", 1)], 2);
        assert!(lexicon.stems.is_empty());
        assert_eq!(lexicon.scores(&stems("one")), [0.0, 0.0]);
    }
}
