//! A selector that does what a test wrote into it, and takes the first candidate when that is nothing.
#![allow(clippy::panic, reason = "it is here to misbehave")]

use trackside_sdk::{
    Candidate, Choice, Component, Failure, NoSettings, RequestHead, Selection, Selector, SignalMatch, failure,
};

#[path = "../../acts.rs"]
mod acts;
#[path = "../../mark.rs"]
mod mark;

/// See the crate.
#[derive(Debug)]
pub struct Contrary;

impl Component for Contrary {
    type Settings = NoSettings;
    const SERVES: &'static str = "contrary";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        mark::pass("configure");
        Ok(Self)
    }
}

impl Selector for Contrary {
    fn select(
        &self,
        head: &RequestHead,
        _decision: &str,
        _matches: &[SignalMatch],
        _candidates: &[Candidate],
    ) -> Result<Selection, Failure> {
        let mark = mark::at("call").filter(|mark| mark.when.is_none_or(|word| head.text.contains(word)));
        let Some(mark) = mark else { return Ok(selection([choice(0, 1.0)])) };
        Ok(match mark.does {
            "choose-nobody" => selection([]),
            "choose-a-stranger" => selection([choice(99, 1.0), choice(u32::MAX, 1.0)]),
            "choose-one-often" => selection((0..3).cycle().map(|index| choice(index, 1.0)).take(100_000)),
            "be-unsure" => {
                Selection { confidence: f32::NAN, ..selection([choice(1, f64::NAN), choice(0, f64::INFINITY)]) }
            }
            "fail" => return Err(failure("internal", "it did not work out")),
            does => {
                acts::act(does);
                return Err(failure("unknown-deed", does));
            }
        })
    }
}

fn choice(index: u32, score: f64) -> Choice {
    Choice { index, score, reason: "because".to_owned() }
}

fn selection(choices: impl IntoIterator<Item = Choice>) -> Selection {
    Selection { choices: choices.into_iter().collect(), confidence: 1.0, extra: Vec::new() }
}

trackside_sdk::export!(selector: Contrary);
