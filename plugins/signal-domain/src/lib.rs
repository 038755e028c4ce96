//! The component that serves the signal type `domain`: tells which domain of knowledge a request belongs to, by sentence
//! embeddings and a table of words when a model is loaded, and by the table alone when none is.

mod known;
mod labels;
mod lexicon;
mod posterior;
mod settings;

use labels::Labels;
use lexicon::Lexicon;
use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, embeddings, metrics};

pub use settings::{Module, Rule};

/// The configured signal.
#[derive(Debug)]
pub struct Domain {
    classifier: Classifier,
    evidence: Evidence,
}

/// What a request is judged by.
#[derive(Debug, Clone, Copy)]
enum Evidence {
    Words,
    WordsAndEmbeddings,
}

const BANK: &str = "domains";

impl Component for Domain {
    type Settings = SignalSettings<Rule, Module>;
    const SERVES: &'static str = "domain";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let classifier = Classifier::new(&settings.rules, &settings.module);
        let evidence = if embeddings::available() {
            embeddings::bank(BANK, &classifier.labels.bank())?;
            Evidence::WordsAndEmbeddings
        } else {
            Evidence::Words
        };
        Ok(Self { classifier, evidence })
    }
}

impl Signal for Domain {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let similarities = match self.evidence {
            Evidence::WordsAndEmbeddings if !head.text.trim().is_empty() => {
                embeddings::similarities(BANK).inspect_err(|_| metrics::add("judged_without_embedding", 1.0)).ok()
            }
            Evidence::WordsAndEmbeddings | Evidence::Words => None,
        };
        Ok(self.classifier.classify(&head.text, similarities.as_deref()))
    }
}

trackside_sdk::export!(signal: Domain);

/// The judgement itself, which needs no host.
#[derive(Debug)]
struct Classifier {
    labels: Labels,
    lexicon: Lexicon,
    threshold: f64,
}

/// How far apart two cosines are to make a difference of e in the odds: small, as cosines lie close together.
const TEMPERATURE: f64 = 0.05;
/// How much the words count beside the embedding. Both figures were fitted on exam and chat prompts together.
const WORDS_BESIDE_EMBEDDING: f64 = 0.75;

impl Classifier {
    fn new(rules: &[Rule], module: &Module) -> Self {
        let labels = Labels::new(rules);
        let lexicon = Lexicon::new(&labels);
        Self { labels, lexicon, threshold: module.threshold() }
    }

    /// The domains of a text. Similarities are those of the text to [`Labels::bank`].
    fn classify(&self, text: &str, similarities: Option<&[f32]>) -> Vec<Match> {
        let mut scores = self.lexicon.scores(text);
        if let Some(similarities) = similarities {
            for (score, pair) in scores.iter_mut().zip(similarities.chunks_exact(labels::TEXTS)) {
                let mean = pair.iter().map(|cosine| f64::from(*cosine)).sum::<f64>() / pair.len() as f64;
                *score = *score * WORDS_BESIDE_EMBEDDING + mean / TEMPERATURE;
            }
        }
        posterior::matches(&scores, &self.labels, self.threshold)
    }
}

#[cfg(test)]
mod tests;
