//! The order of matched decisions, which both rankings share but for the key that comes first.

use std::cmp::Ordering;

use trackside_sdk::{MatchedDecision, RankedDecision};

/// What decisions are compared by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    /// Lower first.
    Tier,
    /// Higher first.
    Priority,
    /// Higher first.
    Confidence,
}

impl Key {
    fn compare(self, a: &MatchedDecision, b: &MatchedDecision) -> Ordering {
        match self {
            Self::Tier => a.tier.cmp(&b.tier),
            Self::Priority => b.priority.cmp(&a.priority),
            Self::Confidence => b.confidence.total_cmp(&a.confidence),
        }
    }

    fn describe(self, decision: &MatchedDecision) -> String {
        match self {
            Self::Tier => format!("tier {}", decision.tier),
            Self::Priority => format!("priority {}", decision.priority),
            Self::Confidence => format!("confidence {:.2}", decision.confidence),
        }
    }

    /// How to call the one that stands first by this key.
    fn superlative(self) -> &'static str {
        match self {
            Self::Tier => "lowest",
            Self::Priority | Self::Confidence => "highest",
        }
    }
}

/// Tiers count as soon as one matched decision has one; a decision without a tier then stands before all others.
const TIERED: &[Key] = &[Key::Tier, Key::Confidence, Key::Priority];

/// Orders by the keys, and decisions that are equal in all of them by name.
pub(crate) fn order(matched: &[MatchedDecision], keys: &[Key]) -> Vec<RankedDecision> {
    let keys = if matched.iter().any(|decision| decision.tier > 0) { TIERED } else { keys };
    let mut places: Vec<(u32, &MatchedDecision)> = (0..).zip(matched).collect();
    places.sort_by(|(_, a), (_, b)| {
        let by_key = keys.iter().map(|key| key.compare(a, b)).find(|ordering| ordering.is_ne());
        by_key.unwrap_or_else(|| a.name.cmp(&b.name))
    });
    let ranked = places.iter().enumerate().map(|(place, &(index, decision))| {
        let rival = places.get(if place == 0 { 1 } else { place - 1 }).map(|&(_, rival)| rival);
        RankedDecision { index, reason: reason(decision, rival, keys, place, places.len()) }
    });
    ranked.collect()
}

/// Says a place in words, with as many keys as it takes to tell the decision from its neighbour.
fn reason(
    decision: &MatchedDecision,
    rival: Option<&MatchedDecision>,
    keys: &[Key],
    place: usize,
    total: usize,
) -> String {
    let decisive = rival.map(|rival| keys.iter().position(|key| key.compare(decision, rival).is_ne()));
    let (shown, standing) = match decisive {
        None => (1, "the only match".to_owned()),
        Some(at) if place > 0 => (at.map_or(keys.len(), |at| at + 1), format!("place {} of {total}", place + 1)),
        Some(None) => (keys.len(), format!("first by name of {total}")),
        Some(Some(at)) => (at + 1, format!("{} of {total}", keys.get(at).map_or("first", |key| key.superlative()))),
    };
    let values = keys.iter().take(shown).map(|key| key.describe(decision) + ", ");
    values.collect::<String>() + &standing
}
