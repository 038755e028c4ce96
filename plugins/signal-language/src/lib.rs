//! The component that serves the signal type `language`: tells the language of a request.

mod detect;
mod model;
mod rules;
mod settings;

use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, log, topic};

pub use rules::Languages;
pub use settings::Rule;

impl Component for Languages {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "language";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let languages = Self::new(settings.rules)?;
        for unknown in languages.unknown() {
            log::write(
                1,
                &format!("no text is ever told to be in the language `{unknown}`, which this model does not know"),
            );
        }
        Ok(languages)
    }
}

impl Signal for Languages {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.judge(&topic::excerpt(&head.text)))
    }
}

trackside_sdk::export!(signal: Languages);

#[cfg(test)]
mod tests;
