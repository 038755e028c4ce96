//! A signal that wants the response cache, which signals have no business with.

use trackside_sdk::{Component, Failure, Match, NoSettings, RequestHead, Signal, SignalSettings, cache};

/// See the crate.
#[derive(Debug)]
pub struct Covetous;

impl Component for Covetous {
    type Settings = SignalSettings<NoSettings>;
    const SERVES: &'static str = "covetous";

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
