//! The component that serves the signal type `domain`: tells which domain of knowledge a request belongs to, by labelled
//! examples, descriptions and words, or by what the configuration says about domains of its own.

mod classifier;
mod examples;
mod fitted;
mod labels;
mod model;
mod posterior;
mod settings;
mod words;

use classifier::{Classifier, Seen, Way};
use fitted::{EMBEDDED, Fitted};
use model::Sight;
use trackside_sdk::{
    Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, artefact, embeddings, failure, log, metrics,
    neighbours, topic,
};

pub use settings::{Module, Rule};

/// The configured signal.
#[derive(Debug)]
pub struct Domain {
    classifier: Classifier,
    /// What of a request the host is asked about.
    asks: Sight,
}

const DESCRIPTIONS: &str = "descriptions";
const EXAMPLES: &str = "examples";
const NEIGHBOURS: &str = "neighbours";

impl Component for Domain {
    type Settings = SignalSettings<Rule, Module>;
    const SERVES: &'static str = "domain";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let own = artefact::read();
        let bytes = own.as_deref().unwrap_or(EMBEDDED);
        let fitted = Fitted::parse(bytes)
            .map_err(|reason| failure("invalid-artefact", format!("the artefact is no fitted classifier: {reason}")))?;
        let classifier = Classifier::new(&settings.rules, &settings.module, fitted);
        let asks = declare(&classifier, bytes)?;
        Ok(Self { classifier, asks })
    }
}

/// Gives the host what requests are compared with.
fn declare(classifier: &Classifier, vectors: &[u8]) -> Result<Sight, Failure> {
    if !embeddings::available() {
        return Ok(Sight::WordsAlone);
    }
    if let Way::Examples(method) = classifier.way {
        embeddings::head(EXAMPLES, method.word(), &method.classes(&classifier.labels))?;
        return Ok(Sight::Whole);
    }
    embeddings::bank(DESCRIPTIONS, &classifier.labels.bank())?;
    if classifier.way != Way::Fitted {
        return Ok(Sight::NoNeighbours);
    }
    match neighbours::index(NEIGHBOURS, vectors) {
        Ok(()) => Ok(Sight::Whole),
        Err(failure) if failure.kind == "other-model" => {
            log::write(
                1,
                "the domain classifier was fitted with another model: domains are told by descriptions and words",
            );
            Ok(Sight::NoNeighbours)
        }
        Err(failure) => Err(failure),
    }
}

impl Signal for Domain {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let text = topic::of(&head.text);
        let seen = if text.trim().is_empty() { Seen::Words } else { self.ask(&text) };
        Ok(self.classifier.classify(&text, &seen))
    }
}

impl Domain {
    fn ask(&self, text: &str) -> Seen {
        let seen = match (self.asks, self.classifier.way) {
            (Sight::WordsAlone, _) => return Seen::Words,
            (_, Way::Examples(_)) => embeddings::classify(EXAMPLES, text).map(Seen::Examples),
            (sight, _) => embeddings::similarities(DESCRIPTIONS, text).and_then(|similarities| match sight {
                Sight::Whole => Ok(Seen::Neighbours(similarities, nearest(text)?)),
                Sight::NoNeighbours | Sight::WordsAlone => Ok(Seen::Descriptions(similarities)),
            }),
        };
        seen.unwrap_or_else(|_| {
            metrics::add("judged_without_embedding", 1.0);
            Seen::Words
        })
    }
}

fn nearest(text: &str) -> Result<Vec<(usize, f32)>, Failure> {
    let hits = neighbours::nearest(NEIGHBOURS, text, model::NEIGHBOURS)?;
    Ok(hits.into_iter().map(|hit| (hit.label as usize, hit.score)).collect())
}

trackside_sdk::export!(signal: Domain);

#[cfg(test)]
mod tests;
