//! Words that speak for a label: a table for the known ones, and what the configuration says about the others.

use std::collections::BTreeMap;

use crate::known::OTHER;
use crate::labels::{Label, Labels};

/// Sections of the form `[label]`, each a list of `stem weight`.
const TERMS: &str = include_str!("terms.txt");
/// Words count by their first letters, so that `vaccine` and `vaccination` are one.
const STEM_CHARS: usize = 7;
/// A stem of the name of a domain that is not known.
const NAME_WEIGHT: f64 = 4.5;
/// A stem of its description; all weights are of the size of those in the table.
const DESCRIPTION_WEIGHT: f64 = 3.0;
/// A stem that only the description of a known domain has.
const KNOWN_DESCRIPTION_WEIGHT: f64 = 1.5;
/// What speaks for `other` before any word is read. It wears off with every word that speaks for anything.
const NOTHING_KNOWN: f64 = 3.0;
/// Longer texts are read at their beginning, middle and end.
const TEXT_CHARS: usize = 2048;

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
pub(crate) struct Lexicon {
    /// By stem: labels by position, and weights.
    terms: BTreeMap<String, Vec<(usize, f64)>>,
    labels: usize,
    other: Option<usize>,
}

impl Lexicon {
    pub(crate) fn new(labels: &Labels) -> Self {
        let mut terms: BTreeMap<String, Vec<(usize, f64)>> = BTreeMap::new();
        let position = |name: &str| labels.iter().position(|label| label.name == name);
        let mut section = None;
        for line in TERMS.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = position(name);
            } else if let Some(label) = section {
                for (stem, weight) in line.split(',').filter_map(|term| term.trim().split_once(' ')) {
                    terms.entry(stem.to_owned()).or_default().push((label, weight.parse().unwrap_or(0.0)));
                }
            }
        }
        for (position, label) in labels.iter().enumerate() {
            for (stem, weight) in own_terms(label) {
                let speaks_for = terms.entry(stem).or_default();
                // The table knows its words better than a description does.
                if label.known.is_none() || speaks_for.is_empty() {
                    speaks_for.push((position, weight));
                }
            }
        }
        Self { terms, labels: labels.iter().count(), other: position(OTHER) }
    }

    /// How much the words of a text speak for each label, as logarithms of odds.
    pub(crate) fn scores(&self, text: &str) -> Vec<f64> {
        let mut stems: Vec<String> = excerpt(text).into_iter().flat_map(stems).collect();
        stems.sort_unstable();
        stems.dedup();
        let found: Vec<&Vec<(usize, f64)>> = stems.iter().filter_map(|stem| self.terms.get(stem)).collect();
        let evidence = found.len() as f64;
        let mut scores = vec![0.0; self.labels];
        for &(label, weight) in found.into_iter().flatten() {
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

/// What the configuration adds for a label.
fn own_terms(label: &Label) -> BTreeMap<String, f64> {
    let described = if label.known.is_some() { KNOWN_DESCRIPTION_WEIGHT } else { DESCRIPTION_WEIGHT };
    let mut terms: BTreeMap<String, f64> = telling(&label.description).map(|stem| (stem, described)).collect();
    if label.known.is_none() {
        terms.extend(telling(&label.name).map(|stem| (stem, NAME_WEIGHT)));
    }
    terms
}

/// The stems of a description's words, in singular and plural.
fn telling(text: &str) -> impl Iterator<Item = String> {
    let telling = words(text).filter(|word| word.chars().count() > 2 && !FILLERS.contains(&word.as_str()));
    telling.flat_map(|word| {
        let other_number = word.strip_suffix('s').map_or_else(|| format!("{word}s"), str::to_owned);
        [stem(word), stem(other_number)]
    })
}

fn stems(text: &str) -> impl Iterator<Item = String> {
    words(text).map(stem)
}

/// Runs of letters and digits in lower case; a run of digits alone is `0`, and single letters are left out.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter_map(|word| {
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some("0".to_owned());
        }
        (word.chars().count() > 1).then(|| word.to_lowercase())
    })
}

fn stem(word: String) -> String {
    match word.char_indices().nth(STEM_CHARS) {
        Some((end, _)) => word.get(..end).unwrap_or_default().to_owned(),
        None => word,
    }
}

/// The text, or three pieces of a long one.
fn excerpt(text: &str) -> Vec<&str> {
    let length = text.chars().count();
    if length <= TEXT_CHARS {
        return vec![text];
    }
    let piece = TEXT_CHARS / 3;
    let starts = [0, (length - piece) / 2, length - piece];
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte);
    starts.into_iter().filter_map(|start| text.get(at(start)..at(start + piece))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_stems() {
        let found: Vec<String> = stems("The Vaccinations, x_y 42 3rd naïveté—ΑΒΓ").collect();
        assert_eq!(found, ["the", "vaccina", "0", "3rd", "naïveté", "αβγ"]);
    }

    #[test]
    fn a_long_text_is_read_at_three_places() {
        let text = format!("start{}mitte{}end", "ä".repeat(5000), "ö".repeat(5000));
        let pieces = excerpt(&text);
        assert_eq!(pieces.len(), 3);
        assert!(pieces[0].starts_with("start") && pieces[1].contains("mitte") && pieces[2].ends_with("end"));
        assert!(pieces.iter().all(|piece| piece.chars().count() == TEXT_CHARS / 3));
        assert_eq!(excerpt("short"), ["short"]);
        assert_eq!(excerpt(""), [""]);
    }

    #[test]
    fn every_section_of_the_table_is_a_known_label_and_every_weight_a_number() {
        let labels = Labels::new(&[]);
        for line in TERMS.lines() {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(name) => assert!(labels.iter().any(|label| label.name == name), "{name}"),
                None => {
                    for term in line.trim_end_matches(',').split(", ") {
                        let (stem, weight) = term.split_once(' ').unwrap_or_else(|| panic!("{line}: {term}"));
                        assert!(stem.chars().count() <= STEM_CHARS, "{stem}");
                        assert!(weight.parse::<f64>().is_ok_and(|weight| weight > 0.0), "{term}");
                    }
                }
            }
        }
    }
}
