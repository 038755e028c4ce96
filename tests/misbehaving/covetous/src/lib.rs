//! A signal that wants the response cache, which signals have no business with. It serves the same type as `guest`.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Component, Failure, Match, RequestHead, Signal, SignalSettings, cache};

/// Takes the rules of `guest`, and reads nothing of them.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Rule {}

/// See the crate.
#[derive(Debug)]
pub struct Covetous;

impl Component for Covetous {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "misbehaving";

    fn configure(_: Self::Settings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Signal for Covetous {
    fn evaluate(&self, _: &RequestHead) -> Result<Vec<Match>, Failure> {
        cache::lookup("everybody", 0.0)?;
        Ok(Vec::new())
    }
}

trackside_sdk::export!(signal: Covetous);
