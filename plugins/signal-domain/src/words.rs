//! Labels told by the words of their names and descriptions: what is left where no text can be embedded.

use crate::labels::{Label, Labels};
use crate::model::known::OTHER;
use crate::model::stems::{Stem, stems};
use std::collections::BTreeMap;

/// A stem of a name speaks for its label with this logarithm of odds.
const NAME_WEIGHT: f64 = 4.5;
/// A stem of a description.
const DESCRIPTION_WEIGHT: f64 = 3.0;
/// What speaks for `other` before any word is read. It wears off with every word that speaks for anything.
const NOTHING_KNOWN: f64 = 3.0;

/// Words of descriptions that say nothing.
const FILLERS: [&str; 24] = [
    "about",
    "also",
    "and",
    "between",
    "etc",
    "for",
    "from",
    "general",
    "including",
    "into",
    "issues",
    "like",
    "other",
    "queries",
    "questions",
    "related",
    "requests",
    "such",
    "that",
    "the",
    "their",
    "things",
    "topics",
    "with",
];

/// The words, and how much each speaks for which label.
#[derive(Debug)]
pub(crate) struct OwnWords {
    /// By stem: labels by position, and weights.
    speaks_for: BTreeMap<Stem, BTreeMap<usize, f64>>,
    labels: usize,
    other: Option<usize>,
}

impl OwnWords {
    pub(crate) fn new(labels: &Labels) -> Self {
        let mut speaks_for: BTreeMap<Stem, BTreeMap<usize, f64>> = BTreeMap::new();
        for (position, label) in labels.iter().enumerate() {
            for (stem, weight) in weighted(label) {
                speaks_for.entry(stem).or_default().insert(position, weight);
            }
        }
        Self { speaks_for, labels: labels.iter().count(), other: labels.iter().position(|label| label.name == OTHER) }
    }

    /// How much the words of a text speak for each label, as logarithms of odds.
    pub(crate) fn scores(&self, text: &str) -> Vec<f64> {
        let stems = stems(text);
        let found: Vec<_> = stems.iter().filter_map(|(stem, _)| self.speaks_for.get(stem)).collect();
        let evidence = found.len() as f64;
        let mut scores = vec![0.0; self.labels];
        for (&label, weight) in found.into_iter().flatten() {
            if let Some(score) = scores.get_mut(label) {
                // A text of many words is not that much surer than one of few.
                *score += weight / evidence.sqrt();
            }
        }
        if let Some(score) = self.other.and_then(|other| scores.get_mut(other)) {
            *score += NOTHING_KNOWN / (1.0 + evidence);
        }
        scores
    }
}

fn weighted(label: &Label) -> BTreeMap<Stem, f64> {
    let [_, about] = label.texts();
    let mut weights: BTreeMap<Stem, f64> = telling(&about).map(|stem| (stem, DESCRIPTION_WEIGHT)).collect();
    weights.extend(telling(&label.name).map(|stem| (stem, NAME_WEIGHT)));
    weights
}

/// The stems of words that say something, in singular and plural.
fn telling(text: &str) -> impl Iterator<Item = Stem> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    let words = words.filter(|word| word.chars().count() > 2 && !FILLERS.contains(&word.as_str()));
    words.flat_map(|word| {
        let other_number = word.strip_suffix('s').map_or_else(|| format!("{word}s"), str::to_owned);
        [word, other_number].into_iter().flat_map(|word| stems(&word)).map(|(stem, _)| stem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Rule;

    #[test]
    fn names_and_descriptions_speak_for_their_label() {
        let rules: Vec<Rule> = serde_json::from_value(serde_json::json!([
            {"name": "billing", "description": "Invoices and refunds"},
            {"name": "shipping"},
        ]))
        .unwrap();
        let words = OwnWords::new(&Labels::new(&rules, &[]));
        assert_eq!(words.scores("my invoice?")[..2], [3.0, 0.0]);
        assert_eq!(words.scores("the bill and the shippings and the")[..2], [0.0, 4.5]);
        let lost = words.scores("about nothing");
        assert!(lost[2] > lost[0] && lost[2] > lost[1], "{lost:?}");
    }
}
