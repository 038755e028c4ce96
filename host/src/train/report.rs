//! How good a classifier is on rows that it was not fitted to.

use super::calibration::{self, Case};
use super::evidence::Sample;
use super::model::{Sight, Weights, softmax};
use super::rows::Rows;
use serde_json::{Value, json};

/// Confidences are compared with shares of right answers in so many steps.
const BINS: usize = 15;
/// What is reported by default.
const THRESHOLD: f64 = 0.5;

/// Figures of every file, and of how it was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) labels: usize,
    pub(crate) folds: usize,
    pub(crate) files: Vec<Figures>,
}

/// Figures of one file, between 0 and 1.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) file: String,
    pub(crate) rows: usize,
    /// Right first places.
    pub(crate) accuracy: f64,
    /// The same by descriptions and words, and by words alone.
    pub(crate) no_neighbours: f64,
    pub(crate) words_alone: f64,
    /// Expected calibration error.
    pub(crate) calibration_error: f64,
    /// How many reach the default threshold, and how many of those are right.
    pub(crate) reported: f64,
    pub(crate) right_of_reported: f64,
}

/// The likeliest label of a row.
struct Answer {
    probability: f64,
    right: bool,
}

impl Report {
    /// Judges every fold by weights that were fitted to the others.
    pub(super) fn new(rows: &Rows, samples: &[Sample], cases: &[Case], folds: usize) -> Self {
        let mut answers: Vec<Vec<[Answer; Sight::ALL.len()]>> = rows.files.iter().map(|_| Vec::new()).collect();
        for fold in 0..folds {
            let pairs = || cases.iter().zip(samples);
            let others: Vec<&Case> = pairs().filter(|(_, sample)| sample.fold != fold).map(|(case, _)| case).collect();
            let weights = calibration::weights(&others);
            for (case, sample) in pairs().filter(|(_, sample)| sample.fold == fold) {
                if let Some(answers) = answers.get_mut(sample.file) {
                    answers.push(Sight::ALL.map(|sight| answer(case, &weights, sight)));
                }
            }
        }
        let files =
            rows.files.iter().zip(&answers).map(|(file, answers)| Figures::new(file.display().to_string(), answers));
        Self { labels: rows.labels.len(), folds, files: files.collect() }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let files = self.files.iter().map(|figures| {
            json!({
                "file": figures.file,
                "rows": figures.rows,
                "accuracy": figures.accuracy,
                "accuracy_without_neighbours": figures.no_neighbours,
                "accuracy_by_words_alone": figures.words_alone,
                "calibration_error": figures.calibration_error,
                "reported": figures.reported,
                "right_of_reported": figures.right_of_reported,
            })
        });
        json!({ "labels": self.labels, "folds": self.folds, "files": files.collect::<Vec<_>>() })
    }
}

impl Figures {
    fn new(file: String, answers: &[[Answer; Sight::ALL.len()]]) -> Self {
        let accuracy =
            |of: fn(&[Answer; Sight::ALL.len()]) -> &Answer| share(answers.iter().map(of), |answer| answer.right);
        let whole = || answers.iter().map(|[whole, ..]| whole);
        Self {
            file,
            rows: answers.len(),
            accuracy: accuracy(|[whole, ..]| whole),
            no_neighbours: accuracy(|[_, no_neighbours, _]| no_neighbours),
            words_alone: accuracy(|[.., words_alone]| words_alone),
            calibration_error: calibration_error(whole()),
            reported: share(whole(), |answer| answer.probability >= THRESHOLD),
            right_of_reported: share(whole().filter(|answer| answer.probability >= THRESHOLD), |answer| answer.right),
        }
    }
}

fn answer(case: &Case, weights: &Weights, sight: Sight) -> Answer {
    let odds: Vec<f64> = case.evidence.iter().map(|evidence| weights.log_odds(sight, evidence)).collect();
    let likeliest = softmax(&odds).into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let (label, probability) = likeliest.unwrap_or_default();
    Answer { probability, right: label == case.label }
}

fn share<'a>(answers: impl Iterator<Item = &'a Answer>, is: impl Fn(&Answer) -> bool) -> f64 {
    let (mut all, mut found) = (0_u32, 0_u32);
    for answer in answers {
        all += 1;
        found += u32::from(is(answer));
    }
    f64::from(found) / f64::from(all.max(1))
}

/// The mean distance of confidence and share of right answers, over bins of equal width.
fn calibration_error<'a>(answers: impl Iterator<Item = &'a Answer> + Clone) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for answer in answers.clone() {
        let bin = ((answer.probability * BINS as f64) as usize).min(BINS - 1);
        if let Some((sure, right)) = bins.get_mut(bin) {
            *sure += answer.probability;
            *right += f64::from(u8::from(answer.right));
        }
    }
    let apart: f64 = bins.iter().map(|(sure, right)| f64::abs(sure - right)).sum();
    apart / (answers.count() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_is_how_far_confidence_is_off() {
        let answers: Vec<Answer> = (0..10).map(|row| Answer { probability: 0.9, right: row < 6 }).collect();
        assert!((calibration_error(answers.iter()) - 0.3).abs() < 1e-9);
        assert_eq!(calibration_error([].iter()), 0.0);
        let sure = Answer { probability: 1.0, right: true };
        assert_eq!(calibration_error([sure].iter()), 0.0);
    }
}
