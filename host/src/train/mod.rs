//! Fits the classifier of the domain signal to labelled texts.
//!
//! Embedding is the long part. The rest is linear algebra without a random number: equal rows give equal bytes on one
//! machine. What is fitted is judged by cross-validation: every row by a classifier that has not seen it.

mod artefact;
mod calibration;
mod embedding;
mod evidence;
mod report;
mod rows;
mod sureness;
mod threshold;
mod words;

// A guest is no library, and training has to judge exactly as the guest does: both compile the same source.
#[path = "../../../plugins/signal-domain/src/model/mod.rs"]
mod model;
#[allow(unreachable_pub, reason = "the SDK offers it to authors")]
#[path = "../../../plugins/sdk/src/topic/mod.rs"]
mod topic;

pub(crate) use report::Report;
pub(crate) use rows::{Rows, read};
pub(crate) use sureness::{Sure, calibration_error, calibration_error_by_chance};
pub(crate) use threshold::{Expected, Goal, Judged, Outcome, choose};

use calibration::Case;
use embedding::embed;
use evidence::Sample;
use trackside_inference::Encoder;

/// A fitted classifier.
#[derive(Debug)]
pub(crate) struct Trained {
    /// The file for `components.use[].artefact`.
    pub(crate) artefact: Vec<u8>,
    /// How good it is.
    pub(crate) report: Report,
}

/// Fits a classifier to the rows.
///
/// # Errors
/// When a text cannot be embedded, or there are too few rows or labels.
pub(crate) fn domain(rows: &Rows, encoder: &Encoder, folds: usize) -> anyhow::Result<Trained> {
    let topics: Vec<_> = rows.rows.iter().map(|row| topic::of(&row.text)).collect();
    let vectors = embed(encoder, &topics, rows)?;
    let mut samples: Vec<Sample> = rows
        .rows
        .iter()
        .zip(&topics)
        .zip(vectors)
        .map(|((row, topic), vector)| Sample::new(row, topic, vector))
        .collect();
    evidence::deal(&mut samples, folds);
    let labels = &rows.labels;
    let descriptions = evidence::Descriptions::new(labels, encoder)?;
    eprintln!("judging every row by the others, in {folds} parts");
    let seen = evidence::unseen(&samples, labels.len(), folds, &descriptions);
    let cases: Vec<Case> = seen
        .into_iter()
        .zip(&samples)
        .map(|(evidence, sample)| Case {
            evidence,
            label: sample.label,
            weight: 1.0 / rows.of_file(sample.file) as f64,
        })
        .collect();
    let report = Report::new(rows, &samples, &cases, folds);
    let weights = calibration::weights(&cases.iter().collect::<Vec<_>>());
    let lexicon = words::fit(&samples.iter().collect::<Vec<_>>(), labels.len());
    Ok(Trained { artefact: artefact::write(labels, &samples, &lexicon, weights, encoder)?, report })
}

#[cfg(test)]
mod tests;
