//! The result of an evaluation in tables and as JSON.

use super::score::{Class, Scores, Tally};
use crate::assemble::Embeddings;
use crate::cli::table::{plain, table};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Rows of the table of confusions.
const MOST_CONFUSIONS: usize = 15;

/// Everything that an evaluation found out.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// What was compared, in words.
    pub(super) what: String,
    pub(super) files: &'a [PathBuf],
    /// By the answers that the router gives.
    pub(super) given: Scores,
    /// By the likeliest label of each prompt, whether or not it reaches the threshold.
    pub(super) likeliest: Option<Scores>,
    /// Times of all decisions, the shortest first.
    pub(super) times: Vec<Duration>,
    /// Prompts that were refused.
    pub(super) refused: usize,
    /// Prompts for which a component failed, every time.
    pub(super) degraded: usize,
    /// Prompts that were asked again, as a component failed.
    pub(super) repeated: usize,
    pub(super) embeddings: &'a Embeddings,
}

impl Report<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{} of {} prompts\nembedding  {}\n", self.what, self.given.all.count, self.embeddings);
        let mut rows = self.accuracies("as answered", &self.given);
        rows.extend(self.likeliest.iter().flat_map(|scores| self.accuracies("likeliest", scores)));
        table(&mut out, "Accuracy, with its 95 % interval, and the share of prompts that got an answer", &rows);
        let detailed = self.likeliest.as_ref().unwrap_or(&self.given);
        let of = if self.likeliest.is_some() { "likeliest label" } else { "answer" };
        // Writing to a `String` cannot fail.
        let error = percent(detailed.calibration_error);
        let chance = percent(detailed.calibration_error_by_chance);
        let _ = writeln!(out, "\nCalibration error of the {of}: {error} (expected, 15 bins)");
        let _ = writeln!(
            out,
            "A perfectly calibrated router shows {chance} by chance, with as many answers that are as sure"
        );
        let classes = detailed.classes.iter().map(|(name, class)| {
            let Class { expected, found, .. } = class;
            let (precision, recall) = (percent(class.precision()), percent(class.recall()));
            let counts = [format!("{expected} expected"), format!("{found} found")];
            let [expected, found] = counts;
            [plain(name), expected, found, format!("precision {precision}"), format!("recall {recall}")]
        });
        table(&mut out, &format!("Classes, by the {of}"), &classes.collect::<Vec<_>>());
        let confusion = detailed.confusion.iter().take(MOST_CONFUSIONS).map(|(expected, found, count)| {
            [count.to_string(), plain(expected), "taken for".to_owned(), plain(found.as_deref().unwrap_or("nothing"))]
        });
        table(&mut out, "Confusions, most frequent first", &confusion.collect::<Vec<_>>());
        let latency = [50, 90, 99].map(|p| [format!("p{p}"), format!("{:.3} ms", milliseconds(self.time(p)))]);
        table(&mut out, "Latency of a decision, one for each core at once", &latency);
        let notes = [
            (self.refused, "were refused"),
            (self.repeated, "were asked again, as a component failed: is the machine busy?"),
            (self.degraded, "had a component that failed every time"),
        ];
        for (count, what) in notes {
            if count > 0 {
                let _ = writeln!(out, "\n{count} prompts {what}");
            }
        }
        out
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "expected": self.what,
            "count": self.given.all.count,
            "as_answered": self.scores(&self.given),
            "likeliest": self.likeliest.as_ref().map(|scores| self.scores(scores)),
            "latency_ms": {
                "p50": milliseconds(self.time(50)),
                "p90": milliseconds(self.time(90)),
                "p99": milliseconds(self.time(99)),
            },
            "refused": self.refused,
            "degraded": self.degraded,
            "repeated": self.repeated,
            "embedding": self.embeddings.json(),
        })
    }

    fn accuracies(&self, by: &str, scores: &Scores) -> Vec<[String; 6]> {
        let row = |name: String, tally: Tally| {
            let (low, high) = tally.interval();
            let interval = format!("({} to {})", percent(low), percent(high));
            let right = format!("{} of {}", tally.right, tally.count);
            let coverage = format!("answered {}", percent(tally.coverage()));
            [by.to_owned(), name, percent(tally.accuracy()), interval, right, coverage]
        };
        let files = scores.files.iter().filter(|_| scores.files.len() > 1);
        let mut rows: Vec<_> = files.map(|(file, tally)| row(self.file(*file), *tally)).collect();
        rows.push(row("all".to_owned(), scores.all));
        rows
    }

    fn scores(&self, scores: &Scores) -> Value {
        let tally = |tally: Tally| {
            let (low, high) = tally.interval();
            json!({
                "count": tally.count,
                "right": tally.right,
                "accuracy": tally.accuracy(),
                "interval_95": [low, high],
                "coverage": tally.coverage(),
            })
        };
        let files = scores.files.iter().map(|(file, scores)| (self.file(*file), tally(*scores)));
        let classes = scores.classes.iter().map(|(name, class)| {
            let Class { expected, found, right } = *class;
            let (precision, recall) = (class.precision(), class.recall());
            let row = json!({
                "expected": expected,
                "found": found,
                "right": right,
                "precision": precision,
                "recall": recall,
            });
            (name.clone(), row)
        });
        let confusion = scores
            .confusion
            .iter()
            .map(|(expected, found, count)| json!({ "expected": expected, "found": found, "count": count }));
        json!({
            "all": tally(scores.all),
            "files": files.collect::<Map<_, _>>(),
            "classes": classes.collect::<Map<_, _>>(),
            "confusion": confusion.collect::<Vec<_>>(),
            "calibration_error": scores.calibration_error,
            "calibration_error_by_chance": scores.calibration_error_by_chance,
        })
    }

    fn file(&self, position: usize) -> String {
        self.files.get(position).map(|path| plain(&path.display().to_string())).unwrap_or_default()
    }

    /// The time that this many per cent of the decisions did not pass.
    fn time(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(place).copied().unwrap_or_default()
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
