//! The component that serves the signal type `structure`: counts what a text is built of.

mod features;
mod scripts;
mod settings;
mod words;

use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings};

pub use features::Structure;
pub use settings::Rule;

impl Component for Structure {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "structure";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        Self::new(settings.rules)
    }
}

impl Signal for Structure {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.judge(&head.text))
    }
}

trackside_sdk::export!(signal: Structure);

#[cfg(test)]
mod tests;
