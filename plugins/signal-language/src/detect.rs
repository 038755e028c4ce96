//! The language of a text: naive Bayes over pieces of words.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::Model;

/// What a text seems to be written in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Guess {
    /// ISO 639-1.
    pub(crate) code: &'static str,
    /// 0 to 1.
    pub(crate) confidence: f32,
}

/// The likeliest language; nothing when the text has no piece that any language has.
pub(crate) fn detect(model: &Model, text: &str) -> Option<Guess> {
    let text = normal(text);
    let mut slots = model.features(text.as_bytes());
    if slots.is_empty() {
        return None;
    }
    slots.sort_unstable();
    let features: Vec<_> = slots
        .chunk_by(|a, b| a == b)
        .filter_map(|times| Some((*times.first()?, (times.len() as f32).ln_1p())))
        .collect();
    let scores = model.scores(&features);
    // Pieces of a text depend on one another, the more the longer it is: taken as they are, the scores of any sentence
    // would be all but certain. Divided like this they are right about as often as they say.
    let temperature = 0.5 * (text.len() as f32).sqrt();
    let best = scores.iter().copied().fold(f32::MIN, f32::max);
    let likelihoods = scores.iter().map(|score| ((score - best) / temperature).exp());
    let mut total = 0.0;
    let mut guesses: Vec<Guess> = Vec::new();
    for (code, likelihood) in model.codes().zip(likelihoods) {
        total += likelihood;
        // A language that is written in two scripts is there twice, one behind the other.
        match guesses.last_mut() {
            Some(last) if last.code == code => last.confidence += likelihood,
            _ => guesses.push(Guess { code, confidence: likelihood }),
        }
    }
    let likeliest = guesses.into_iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
    Some(Guess { confidence: likeliest.confidence / total, ..likeliest })
}

/// The text as the model was fitted to read it: composed, and not all in capitals.
fn normal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return if is_shouted(text) { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
    }
    let composed: String = text.nfc().collect();
    Cow::Owned(if is_shouted(&composed) { composed.to_lowercase() } else { composed })
}

fn is_shouted(text: &str) -> bool {
    let mut any = false;
    text.chars().all(|c| {
        any |= c.is_uppercase();
        !c.is_lowercase()
    }) && any
}
