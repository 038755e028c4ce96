//! The component that serves the signal type `conversation`: tells what a conversation is made of.

mod settings;
mod values;

use trackside_sdk::current::ConversationFacts;
use trackside_sdk::{Component, Failure, Match, RequestHead, Signal, SignalSettings, current};

pub use settings::Rule;

/// The configured signal.
#[derive(Debug)]
pub struct Conversation(Vec<Rule>);

impl Component for Conversation {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "conversation";

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        Ok(Self(settings.rules))
    }
}

impl Signal for Conversation {
    fn evaluate(&self, _head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.judge(&current::facts()))
    }
}

impl Conversation {
    fn judge(&self, facts: &ConversationFacts) -> Vec<Match> {
        self.0.iter().filter_map(|rule| rule.judge(facts)).collect()
    }
}

trackside_sdk::export!(signal: Conversation);

#[cfg(test)]
mod tests;
