//! How good a list of answers is.

use crate::train::{Sure, calibration_error, calibration_error_by_chance};
use std::collections::BTreeMap;

/// Standard deviations on either side that hold 95 % of a normal distribution.
const DEVIATIONS: f64 = 1.959_964;

/// One answer beside what it should have been.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Position of the file that the prompt came from.
    pub(super) file: usize,
    pub(super) expected: String,
    /// `None` when there was no answer, which counts as wrong.
    pub(super) found: Option<String>,
    /// How sure the router was, 0 to 1.
    pub(super) confidence: f64,
}

/// What a list of answers comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores {
    pub(super) all: Tally,
    /// By the position of the file.
    pub(super) files: BTreeMap<usize, Tally>,
    pub(super) classes: BTreeMap<String, Class>,
    /// Wrong answers, by what was expected and what was found (`None`: nothing), the most frequent first.
    pub(super) confusion: Vec<(String, Option<String>, usize)>,
    /// Mean distance between how sure answers were and how often they were right, over the answers given.
    pub(super) calibration_error: f64,
    /// What that distance is on average when every answer is right exactly as often as it is sure: with few answers, chance
    /// alone sets the two apart.
    pub(super) calibration_error_by_chance: f64,
}

/// Counts of prompts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: usize,
    pub(super) answered: usize,
    pub(super) right: usize,
}

/// One label.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Class {
    /// Prompts that have it.
    pub(super) expected: usize,
    /// Prompts that got it.
    pub(super) found: usize,
    /// Both.
    pub(super) right: usize,
}

impl Scores {
    pub(super) fn of(cases: &[Case]) -> Self {
        let mut scores = Self::default();
        let mut confusion: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
        for case in cases {
            let right = case.is_right();
            scores.all.count(case);
            scores.files.entry(case.file).or_default().count(case);
            let class = scores.classes.entry(case.expected.clone()).or_default();
            class.expected += 1;
            class.right += usize::from(right);
            if let Some(found) = &case.found {
                scores.classes.entry(found.clone()).or_default().found += 1;
            }
            if !right {
                *confusion.entry((&case.expected, case.found.as_deref())).or_default() += 1;
            }
        }
        let owned = |((expected, found), count): ((&str, Option<&str>), usize)| {
            (expected.to_owned(), found.map(str::to_owned), count)
        };
        scores.confusion = confusion.into_iter().map(owned).collect();
        scores.confusion.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
        let answered = cases.iter().filter(|case| case.found.is_some());
        let answers: Vec<Sure> =
            answered.map(|case| Sure { confidence: case.confidence, right: case.is_right() }).collect();
        scores.calibration_error = calibration_error(&answers);
        scores.calibration_error_by_chance = calibration_error_by_chance(&answers);
        scores
    }
}

impl Case {
    fn is_right(&self) -> bool {
        self.found.as_ref() == Some(&self.expected)
    }
}

impl Tally {
    fn count(&mut self, case: &Case) {
        self.count += 1;
        self.answered += usize::from(case.found.is_some());
        self.right += usize::from(case.is_right());
    }

    /// Share of all prompts that got the right answer.
    pub(super) fn accuracy(self) -> f64 {
        share(self.right, self.count)
    }

    /// Share of all prompts that got an answer.
    pub(super) fn coverage(self) -> f64 {
        share(self.answered, self.count)
    }

    /// Where the accuracy lies with a probability of 95 %, by Wilson's formula: it stays within 0 and 1 for few prompts
    /// too.
    pub(super) fn interval(self) -> (f64, f64) {
        let (n, p, square) = (self.count as f64, self.accuracy(), DEVIATIONS * DEVIATIONS);
        if self.count == 0 {
            return (0.0, 1.0);
        }
        let middle = p + square / (2.0 * n);
        let reach = DEVIATIONS * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
        let scale = 1.0 + square / n;
        (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
    }
}

impl Class {
    /// Share of the prompts that got this label which have it.
    pub(super) fn precision(self) -> f64 {
        share(self.right, self.found)
    }

    /// Share of the prompts with this label that got it.
    pub(super) fn recall(self) -> f64 {
        share(self.right, self.expected)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(expected: &str, found: &str, confidence: f64) -> Case {
        let found = (!found.is_empty()).then(|| found.to_owned());
        Case { file: 0, expected: expected.to_owned(), found, confidence }
    }

    #[test]
    fn counts_are_those_of_a_table_made_by_hand() {
        let cases =
            [case("a", "a", 0.9), case("a", "b", 0.6), case("a", "", 0.0), case("b", "b", 0.6), case("b", "a", 0.9)];
        let scores = Scores::of(&cases);
        assert_eq!((scores.all.count, scores.all.answered, scores.all.right), (5, 4, 2));
        assert_eq!((scores.all.accuracy(), scores.all.coverage()), (0.4, 0.8));
        let (a, b) = (scores.classes["a"], scores.classes["b"]);
        assert_eq!((a.expected, a.found, a.right, b.expected, b.found, b.right), (3, 2, 1, 2, 2, 1));
        assert_eq!((a.precision(), a.recall()), (0.5, 1.0 / 3.0));
        assert_eq!(scores.confusion.len(), 3);
        assert!(scores.confusion.contains(&("a".to_owned(), None, 1)), "no answer is a confusion too");
        // Two bins of two answers, each half right: |1 - 1.8| + |1 - 1.2| over four.
        assert!((scores.calibration_error - 0.25).abs() < 1e-9, "{}", scores.calibration_error);
    }

    #[test]
    fn no_answer_is_nothing_to_be_sure_of() {
        let scores = Scores::of(&[case("a", "a", 0.8), case("a", "", 0.0)]);
        let alone = Scores::of(&[case("a", "a", 0.8)]);
        assert!((scores.calibration_error - 0.2).abs() < 1e-9);
        assert_eq!(scores.calibration_error_by_chance, alone.calibration_error_by_chance);
    }

    #[test]
    fn the_interval_is_wilsons() {
        let tally = |right, count| Tally { count, answered: count, right }.interval();
        let near = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 5e-4 && (high - expected.1).abs() < 5e-4, "{low} {high}");
        };
        near(tally(8, 10), (0.4902, 0.9433));
        near(tally(0, 10), (0.0, 0.2775));
        near(tally(810, 1000), (0.7845, 0.8331));
        assert_eq!(tally(0, 0), (0.0, 1.0));
    }

    #[test]
    fn the_most_frequent_confusion_comes_first() {
        let mut cases = vec![case("a", "b", 0.5)];
        cases.extend((0..3).map(|_| case("b", "c", 1.0)));
        assert_eq!(Scores::of(&cases).confusion[0], ("b".to_owned(), Some("c".to_owned()), 3));
    }
}
