//! A selector that takes the model with the highest quality score.

use trackside_sdk::{Candidate, Choice, Component, Failure, NoSettings, RequestHead, Selection, Selector, SignalMatch};

/// The selector.
#[derive(Debug)]
pub struct Strongest;

impl Component for Strongest {
    type Settings = NoSettings;
    const SERVES: &'static str = "my_selector";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Selector for Strongest {
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

trackside_sdk::export!(selector: Strongest);

fn choice(index: u32, candidate: &Candidate) -> Choice {
    let quality = candidate.quality.unwrap_or_default();
    Choice { index, score: quality, reason: format!("quality {quality}") }
}
