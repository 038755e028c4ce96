//! The component that serves the signal type `reask`: tells whether the user asks the same thing again.

mod repeats;
mod settings;
mod turns;

use trackside_sdk::{
    Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, current, embeddings, failure, topic,
};

pub use settings::Rule;

/// The configured signal.
#[derive(Debug)]
pub struct Reask(Vec<Rule>);

impl Component for Reask {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "reask";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        if embeddings::available() {
            Ok(Self(settings.rules))
        } else {
            Err(failure("unavailable", "turns are compared by an embedding model, and there is none"))
        }
    }
}

impl Signal for Reask {
    fn evaluate(&self, _head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let mut turns = turns::newest_first(current::message_count(), current::message);
        let Some(ask) = turns.next().filter(|ask| !ask.trim().is_empty()) else { return Ok(Vec::new()) };
        let ask = topic::of(&ask);
        let mut earlier = turns.filter(|turn| !turn.trim().is_empty());
        repeats::judge(&self.0, |_| {
            earlier.next().map(|turn| embeddings::similarity(&ask, &topic::of(&turn))).transpose()
        })
    }
}

trackside_sdk::export!(signal: Reask);
