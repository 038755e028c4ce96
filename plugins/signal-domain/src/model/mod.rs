//! The judgement of labels that `trackside train domain` fits and the component makes: one piece of code for both, so that
//! what was measured in training is what happens to requests.
//!
//! Three kinds of evidence speak for a label: examples whose meaning is near, a description whose meaning is near, and the
//! words. Weighed and added they are the logarithms of odds.

pub(crate) mod known;
pub(crate) mod lexicon;
pub(crate) mod stems;
pub(crate) mod tensors;

/// Kinds of evidence.
pub(crate) const KINDS: usize = 3;

/// What speaks for one label: the neighbours, the description, the words.
pub(crate) type Evidence = [f32; KINDS];

/// How many neighbours vote.
pub(crate) const NEIGHBOURS: u32 = 20;
/// A neighbour this much less similar than the nearest has a vote of 1/e.
const NEARNESS: f32 = 0.05;
/// The share of the votes that a label has without a neighbour.
const UNHEARD: f32 = 0.005;
/// A text of so many words is half as much like a description as one of few: descriptions are short.
const BREVITY: f32 = 8.0;

/// Which kinds of evidence there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All of them.
    Whole,
    /// The neighbours were embedded by another model.
    NoNeighbours,
    /// The text was not embedded.
    WordsAlone,
}

impl Sight {
    pub(crate) const ALL: [Self; 3] = [Self::Whole, Self::NoNeighbours, Self::WordsAlone];
}

/// How much each kind of evidence counts, by [`Sight`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weights(pub(crate) [[f32; KINDS]; Sight::ALL.len()]);

impl Weights {
    /// The logarithm of a label's odds, up to what all labels have in common.
    pub(crate) fn log_odds(&self, sight: Sight, evidence: &Evidence) -> f64 {
        let Self([whole, no_neighbours, words_alone]) = self;
        let weights = match sight {
            Sight::Whole => whole,
            Sight::NoNeighbours => no_neighbours,
            Sight::WordsAlone => words_alone,
        };
        weights.iter().zip(evidence).map(|(weight, amount)| f64::from(*weight) * f64::from(*amount)).sum()
    }
}

/// What the nearest examples say about each of so many labels: the logarithm of its share of their votes. Neighbours are
/// labels with cosine similarities, in any order.
pub(crate) fn votes(neighbours: &[(usize, f32)], labels: usize) -> Vec<f32> {
    let mut shares = vec![0.0; labels];
    let nearest = neighbours.iter().map(|(_, similarity)| *similarity).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (label, similarity) in neighbours {
        if let Some(share) = shares.get_mut(*label) {
            let vote = ((similarity - nearest) / NEARNESS).exp();
            *share += vote;
            sum += vote;
        }
    }
    shares.into_iter().map(|share: f32| (if sum > 0.0 { share / sum } else { 0.0 } + UNHEARD).ln()).collect()
}

/// What a description says: its mean similarity, the more the shorter the text.
pub(crate) fn description(similarities: &[f32], words: usize) -> f32 {
    let mean = similarities.iter().sum::<f32>() / similarities.len().max(1) as f32;
    mean * BREVITY / (BREVITY + words as f32)
}

/// Odds as probabilities. Numbers that are not finite count as 0.
pub(crate) fn softmax(log_odds: &[f64]) -> Vec<f64> {
    let finite = |odds: f64| if odds.is_finite() { odds } else { 0.0 };
    let best = log_odds.iter().copied().map(finite).fold(f64::NEG_INFINITY, f64::max);
    let odds: Vec<f64> = log_odds.iter().map(|odds| (finite(*odds) - best).exp()).collect();
    let sum: f64 = odds.iter().sum();
    odds.into_iter().map(|odds| odds / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_neighbours_outvote_many_far_ones() {
        let far = (1, 0.5);
        let votes = votes(&[(0, 0.9), far, far, far, far], 3);
        assert!(votes[0] > -0.1 && votes[1] < -4.0 && votes[1] > votes[2], "{votes:?}");
    }

    #[test]
    fn without_neighbours_nobody_is_preferred() {
        let nobody = votes(&[], 2);
        assert_eq!(nobody[0], nobody[1]);
        assert_eq!(votes(&[(7, 0.9)], 2), nobody, "a label that is not there has no vote");
    }

    #[test]
    fn a_description_says_less_about_a_long_text() {
        assert!((description(&[0.2, 0.4], 8) - 0.15).abs() < 1e-6);
        assert!((description(&[0.2, 0.4], 72) - 0.03).abs() < 1e-6);
        assert_eq!(description(&[], 3), 0.0);
    }

    #[test]
    fn what_is_not_seen_does_not_count() {
        let weights = Weights([[1.0, 10.0, 100.0], [0.0, 10.0, 100.0], [0.0, 0.0, 100.0]]);
        assert_eq!(Sight::ALL.map(|sight| weights.log_odds(sight, &[1.0, 1.0, 1.0])), [111.0, 110.0, 100.0]);
    }

    #[test]
    fn probabilities_sum_to_one_whatever_the_odds() {
        for odds in [vec![1.0, 2.0], vec![f64::NAN, 9.0, f64::INFINITY], vec![-1e300, 1e300]] {
            assert!((softmax(&odds).iter().sum::<f64>() - 1.0).abs() < 1e-9, "{odds:?}");
        }
        assert!(softmax(&[]).is_empty());
    }
}
