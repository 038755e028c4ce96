//! The component that serves the signal type `complexity`: tells hard requests from easy ones by examples of both.

mod level;
mod settings;

use trackside_sdk::embeddings::{BankQuery, BankScore};
use trackside_sdk::{
    Component, Failure, Match, Need, PrototypeScoring, RequestHead, Signal, SignalSettings, embeddings, topic,
};

pub use settings::{Module, Rule};

/// The configured signal.
#[derive(Debug)]
pub struct Complexity {
    rules: Vec<Sides>,
    queries: Vec<BankQuery>,
}

/// One rule, with the positions of its two questions.
#[derive(Debug)]
struct Sides {
    name: String,
    threshold: f32,
    hard: Option<usize>,
    easy: Option<usize>,
}

impl Component for Complexity {
    type Settings = SignalSettings<Rule, Module>;
    const SERVES: &'static str = "complexity";
    const NEEDS: &'static [Need] = &[Need::Text, Need::Embedding];

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        let scoring = settings.module.prototype_scoring;
        let mut signal = Self { rules: Vec::new(), queries: Vec::new() };
        for Rule { name, threshold, hard, easy, .. } in settings.rules {
            let hard = signal.ask(format!("{name}:hard"), &hard.candidates, &scoring)?;
            let easy = signal.ask(format!("{name}:easy"), &easy.candidates, &scoring)?;
            signal.rules.push(Sides { name, threshold, hard, easy });
        }
        Ok(signal)
    }
}

impl Signal for Complexity {
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let text = topic::of(&head.text);
        if text.trim().is_empty() || self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let scores = embeddings::scores(&text, &self.queries)?;
        Ok(self.rules.iter().map(|rule| rule.judge(&scores)).collect())
    }
}

trackside_sdk::export!(signal: Complexity);

impl Complexity {
    /// Declares the bank of one side, and answers with the position of its question; `None` for a side without examples.
    fn ask(&mut self, bank: String, texts: &[String], scoring: &PrototypeScoring) -> Result<Option<usize>, Failure> {
        let declared = scoring.declare(&bank, texts)?;
        Ok(declared.then(|| {
            self.queries.push(scoring.query(&bank));
            self.queries.len() - 1
        }))
    }
}

impl Sides {
    fn judge(&self, scores: &[BankScore]) -> Match {
        // A side without examples is like nothing.
        let of = |side: Option<usize>| side.and_then(|at| scores.get(at)).map_or(0.0, |found| found.score);
        level::outcome(&self.name, self.threshold, of(self.hard), of(self.easy))
    }
}
