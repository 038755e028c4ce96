//! How good a classifier is on rows that it was not fitted to.

use super::calibration::{self, Case};
use super::evidence::Sample;
use super::model::{Sight, Weights, softmax};
use super::rows::Rows;
use super::sureness::{Sure, calibration_error, calibration_error_by_chance};
use serde_json::{Value, json};

/// What is reported by default.
const THRESHOLD: f64 = 0.5;

/// Figures of every file, and of how it was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) labels: usize,
    pub(crate) folds: usize,
    pub(crate) files: Vec<Figures>,
    /// Those of the rows of all files together.
    pub(crate) all: Figures,
}

/// Figures of some rows, between 0 and 1.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) file: String,
    pub(crate) rows: usize,
    /// Right first places.
    pub(crate) accuracy: f64,
    /// The same by descriptions and words, and by words alone.
    pub(crate) no_neighbours: f64,
    pub(crate) words_alone: f64,
    /// Expected calibration error, and what it would be by chance alone.
    pub(crate) calibration_error: f64,
    pub(crate) calibration_error_by_chance: f64,
    /// How many reach the default threshold, and how many of those are right.
    pub(crate) reported: f64,
    pub(crate) right_of_reported: f64,
}

/// The likeliest label of a row, by everything and by less.
type Answers = [Sure; Sight::ALL.len()];

impl Report {
    /// Judges every fold by weights that were fitted to the others.
    pub(super) fn new(rows: &Rows, samples: &[Sample], cases: &[Case], folds: usize) -> Self {
        let mut answers: Vec<Vec<Answers>> = rows.files.iter().map(|_| Vec::new()).collect();
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
        let all = Figures::new("all".to_owned(), &answers.concat());
        Self { labels: rows.labels.len(), folds, files: files.collect(), all }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let files: Vec<Value> = self.files.iter().map(Figures::json).collect();
        json!({ "labels": self.labels, "folds": self.folds, "files": files, "all": self.all.json() })
    }
}

impl Figures {
    fn new(file: String, answers: &[Answers]) -> Self {
        let accuracy = |of: fn(&Answers) -> &Sure| share(answers.iter().map(of), |answer| answer.right);
        let whole: Vec<Sure> = answers.iter().map(|[whole, ..]| *whole).collect();
        let reported = |answer: &Sure| answer.confidence >= THRESHOLD;
        Self {
            file,
            rows: answers.len(),
            accuracy: accuracy(|[whole, ..]| whole),
            no_neighbours: accuracy(|[_, no_neighbours, _]| no_neighbours),
            words_alone: accuracy(|[.., words_alone]| words_alone),
            calibration_error: calibration_error(&whole),
            calibration_error_by_chance: calibration_error_by_chance(&whole),
            reported: share(whole.iter(), reported),
            right_of_reported: share(whole.iter().filter(|answer| reported(answer)), |answer| answer.right),
        }
    }

    fn json(&self) -> Value {
        json!({
            "file": self.file,
            "rows": self.rows,
            "accuracy": self.accuracy,
            "accuracy_without_neighbours": self.no_neighbours,
            "accuracy_by_words_alone": self.words_alone,
            "calibration_error": self.calibration_error,
            "calibration_error_by_chance": self.calibration_error_by_chance,
            "reported": self.reported,
            "right_of_reported": self.right_of_reported,
        })
    }
}

fn answer(case: &Case, weights: &Weights, sight: Sight) -> Sure {
    let odds: Vec<f64> = case.evidence.iter().map(|evidence| weights.log_odds(sight, evidence)).collect();
    let likeliest = softmax(&odds).into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let (label, confidence) = likeliest.unwrap_or_default();
    Sure { confidence, right: label == case.label }
}

fn share<'a>(answers: impl Iterator<Item = &'a Sure>, is: impl Fn(&Sure) -> bool) -> f64 {
    let (mut all, mut found) = (0_u32, 0_u32);
    for answer in answers {
        all += 1;
        found += u32::from(is(answer));
    }
    f64::from(found) / f64::from(all.max(1))
}
