//! From the scores of both sides to a level. Needs no host.

use trackside_sdk::{Match, matched};

/// What a request is, by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Hard,
    Medium,
    Easy,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Medium => "medium",
            Self::Easy => "easy",
        }
    }
}

/// The outcome of one rule: a side wins when it is ahead by more than the threshold.
pub(crate) fn outcome(rule: &str, threshold: f32, hard: f32, easy: f32) -> Match {
    let ahead = hard - easy;
    let level = if ahead > threshold {
        Level::Hard
    } else if ahead < -threshold {
        Level::Easy
    } else {
        Level::Medium
    };
    let detail = format!("hard {hard:.3}, easy {easy:.3}");
    matched(&format!("{rule}:{}", level.word()), ahead.abs(), detail)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// One line of `cases/complexity.json`: the scores of both sides, and the outcome.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        threshold: f32,
        hard: f32,
        easy: f32,
        expect: String,
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/complexity.json")).unwrap();
        assert!(cases.len() >= 7, "{} cases", cases.len());
        for Case { name, threshold, hard, easy, expect } in cases {
            assert_eq!(outcome("r", threshold, hard, easy).rule, expect, "{name}");
        }
    }

    #[test]
    fn a_match_tells_how_far_the_sides_are_apart() {
        let found = outcome("sums", 0.1, 0.25, 0.75);
        assert_eq!((found.rule.as_str(), found.confidence, found.value), ("sums:easy", 0.5, None));
        assert_eq!(found.detail, "hard 0.250, easy 0.750");
    }
}
