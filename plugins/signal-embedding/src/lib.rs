//! The component that serves the signal type `embedding`: tells which rules' example texts mean what the request means.

mod choice;
mod settings;

use choice::{Choice, Wanted};
use settings::{Aggregation, Modality};
use trackside_sdk::embeddings::BankQuery;
use trackside_sdk::{
    Component, Failure, Match, Need, PrototypeScoring, RequestHead, Signal, SignalSettings, embeddings, log, topic,
};

pub use settings::{Module, Rule};

/// The configured signal.
#[derive(Debug)]
pub struct Embedding {
    rules: Vec<Wanted>,
    /// In the order of the rules.
    queries: Vec<BankQuery>,
    choice: Choice,
}

impl Component for Embedding {
    type Settings = SignalSettings<Rule, Module>;
    const SERVES: &'static str = "embedding";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let SignalSettings { rules, module } = settings;
        let choice = Choice { soft_threshold: module.soft_threshold(), most: module.most() };
        let mut signal = Self { rules: Vec::new(), queries: Vec::new(), choice };
        for rule in rules.into_iter().filter(|rule| rule.query_modality != Modality::Image) {
            if module.prototype_scoring.declare(&rule.name, &rule.candidates)? {
                signal.queries.push(query(&rule, &module.prototype_scoring));
                signal.rules.push(Wanted { name: rule.name, threshold: rule.threshold });
            } else {
                log::write(1, &format!("embedding `{}` has no candidates and never matches", rule.name));
            }
        }
        Ok(signal)
    }
}

impl Signal for Embedding {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let text = topic::of(&head.text);
        if text.trim().is_empty() || self.rules.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.choice.of(&self.rules, &embeddings::scores(&text, &self.queries)?))
    }
}

trackside_sdk::export!(signal: Embedding);

fn query(rule: &Rule, scoring: &PrototypeScoring) -> BankQuery {
    match rule.aggregation_method {
        Aggregation::Mean => PrototypeScoring::query_mean(&rule.name),
        Aggregation::Unset | Aggregation::Max | Aggregation::Any => scoring.query(&rule.name),
    }
}
