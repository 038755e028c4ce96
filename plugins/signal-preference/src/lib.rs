//! The component that serves the signal type `preference`: tells which one of several described routes suits the request
//! best.

mod choice;
mod settings;

use choice::{Choice, Route};
use trackside_sdk::embeddings::BankQuery;
use trackside_sdk::{Component, Failure, Match, Need, RequestHead, Signal, SignalSettings, embeddings, topic};

pub use settings::{Module, Rule};

/// The configured signal.
#[derive(Debug)]
pub struct Preference {
    choice: Choice,
    /// In the order of the routes.
    queries: Vec<BankQuery>,
}

impl Component for Preference {
    type Settings = SignalSettings<Rule, Module>;
    const SERVES: &'static str = "preference";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let scoring = settings.module.prototype_scoring;
        let mut queries = Vec::with_capacity(settings.rules.len());
        for rule in &settings.rules {
            scoring.declare(&rule.name, &rule.texts())?;
            queries.push(scoring.query(&rule.name));
        }
        let routes = settings.rules.into_iter().map(|rule| Route { name: rule.name, threshold: rule.threshold });
        Ok(Self { choice: Choice { routes: routes.collect(), margin: scoring.margin() }, queries })
    }
}

impl Signal for Preference {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let text = topic::of(&head.text);
        if text.trim().is_empty() || self.queries.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.choice.of(&embeddings::scores(&text, &self.queries)?).into_iter().collect())
    }
}

trackside_sdk::export!(signal: Preference);
