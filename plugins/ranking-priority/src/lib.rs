//! The component that serves the strategy `priority`: of the decisions whose rules hold, the one with the highest
//! priority comes first, then the more confident one, then the one whose name sorts first.

mod order;

use order::Key;
use trackside_sdk::{Component, Failure, MatchedDecision, NoSettings, RankedDecision, Ranking, RequestHead};

/// The ranking by priority.
#[derive(Debug)]
pub struct Priority;

const KEYS: &[Key] = &[Key::Priority, Key::Confidence];

impl Component for Priority {
    type Settings = NoSettings;
    const SERVES: &'static str = "priority";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Ranking for Priority {
    fn rank(&self, _head: &RequestHead, matched: &[MatchedDecision]) -> Result<Vec<RankedDecision>, Failure> {
        Ok(order::order(matched, KEYS))
    }
}

trackside_sdk::export!(ranking: Priority);

#[cfg(test)]
mod tests;
