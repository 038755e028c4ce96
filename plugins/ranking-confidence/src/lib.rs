//! The component that serves the strategy `confidence`: of the decisions whose rules hold, the one the signals are
//! surest of comes first, then the one with the higher priority, then the one whose name sorts first.

// Shared as source: a dependency on the other component would bring its exports into this one.
#[path = "../../ranking-priority/src/order.rs"]
mod order;

use order::Key;
use trackside_sdk::{Component, Failure, MatchedDecision, NoSettings, RankedDecision, Ranking, RequestHead};

/// The ranking by confidence.
#[derive(Debug)]
pub struct Confidence;

const KEYS: &[Key] = &[Key::Confidence, Key::Priority];

impl Component for Confidence {
    type Settings = NoSettings;
    const SERVES: &'static str = "confidence";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Ranking for Confidence {
    fn rank(&self, _head: &RequestHead, matched: &[MatchedDecision]) -> Result<Vec<RankedDecision>, Failure> {
        Ok(order::order(matched, KEYS))
    }
}

trackside_sdk::export!(ranking: Confidence);

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(rows: &[(&str, i32, u32, f32)]) -> Vec<u32> {
        let matched: Vec<MatchedDecision> = rows
            .iter()
            .map(|&(name, priority, tier, confidence)| MatchedDecision {
                name: name.to_owned(),
                priority,
                tier,
                confidence,
                extra: Vec::new(),
            })
            .collect();
        order::order(&matched, KEYS).iter().map(|place| place.index).collect()
    }

    #[test]
    fn confidence_then_priority_then_name_and_tiers_above_all() {
        assert_eq!(ranked(&[("a", 10, 0, 0.8), ("b", 15, 0, 0.9)]), [1, 0], "the surer one");
        assert_eq!(ranked(&[("a", 15, 0, 0.8), ("b", 10, 0, 0.9)]), [1, 0], "even against a priority");
        assert_eq!(ranked(&[("a", 10, 0, 0.5), ("b", 11, 0, 0.5)]), [1, 0], "priority between equals");
        assert_eq!(ranked(&[("b", 10, 0, 0.5), ("a", 10, 0, 0.5)]), [1, 0], "name at last");
        assert_eq!(ranked(&[("a", 10, 2, 0.9), ("b", 10, 1, 0.5)]), [1, 0], "a lower tier");
        assert_eq!(ranked(&[("a", 10, 1, 0.9), ("b", 10, 0, 0.5)]), [1, 0], "no tier before any tier");
    }
}
