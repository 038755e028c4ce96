//! The component that serves `ask`: finds what a human asks in requests that coding agents and other programs wrap up.

mod elements;
mod human;
mod presets;
mod settings;

use trackside_sdk::{Ask, AskExtraction, Component, Failure, Need, RequestHead, current};

pub use human::Human;
pub use settings::Settings;

impl Component for Human {
    type Settings = Settings;
    const SERVES: &'static str = "ask";
    const NEEDS: &'static [Need] = &[Need::Text];

    fn configure(settings: Settings) -> Result<Self, Failure> {
        Self::new(settings)
    }
}

impl AskExtraction for Human {
    fn extract(&self, head: &RequestHead) -> Result<Option<Ask>, Failure> {
        let text = self.ask(&head.text, || human::newest_first(current::message_count(), current::message));
        Ok(text.map(|text| Ask { text, extra: Vec::new() }))
    }
}

trackside_sdk::export!(ask: Human);

#[cfg(test)]
mod tests;
