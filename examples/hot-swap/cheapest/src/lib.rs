//! A selector that takes the model whose prompt tokens cost least.

use trackside_sdk::{Candidate, Choice, Component, Failure, NoSettings, RequestHead, Selection, Selector, SignalMatch};

/// The selector.
#[derive(Debug)]
pub struct Cheapest;

impl Component for Cheapest {
    type Settings = NoSettings;
    const SERVES: &'static str = "my_selector";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Selector for Cheapest {
    fn select(
        &self,
        _head: &RequestHead,
        _decision: &str,
        _matches: &[SignalMatch],
        candidates: &[Candidate],
    ) -> Result<Selection, Failure> {
        let mut choices: Vec<Choice> =
            (0..).zip(candidates).map(|(index, candidate)| choice(index, candidate)).collect();
        choices.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Selection { choices, confidence: 1.0, extra: Vec::new() })
    }
}

trackside_sdk::export!(selector: Cheapest);

fn choice(index: u32, candidate: &Candidate) -> Choice {
    let price = candidate.prompt_price.unwrap_or(f64::MAX);
    Choice { index, score: -price, reason: format!("{price} for a million prompt tokens") }
}
