//! The component that serves the signal type `keyword`: tells which rules' words, phrases and patterns occur in the
//! request's text.

mod fold;
mod fuzzy;
mod literals;
mod patterns;
mod pieces;
mod ranked;
mod rules;
mod settings;

use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings};

pub use rules::Keywords;
pub use settings::Rule;

impl Component for Keywords {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "keyword";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        Self::new(&settings.rules)
    }
}

impl Signal for Keywords {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.find(&head.text))
    }
}

trackside_sdk::export!(signal: Keywords);

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
