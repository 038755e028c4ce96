//! The component that serves the signal type `event`: finds words of incidents and alerts.

mod events;
mod settings;

use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, topic};

pub use events::Events;
pub use settings::Rule;

impl Component for Events {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "event";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        Self::new(&settings.rules)
    }
}

impl Signal for Events {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.find(&topic::excerpt(&head.text)))
    }
}

trackside_sdk::export!(signal: Events);
