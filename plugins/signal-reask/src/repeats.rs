//! From similarities of earlier turns to the rules that hold. Needs no host.

use trackside_sdk::{Failure, Match, matched};

use crate::settings::Rule;

/// The rules that hold: of those whose run of similar turns is long enough, the ones that look back farthest.
///
/// `similarity` tells how similar an earlier turn is, counted back from 0; `None` when there is no such turn. It is asked
/// for as few turns as possible: each may cost a pass through the model.
pub(crate) fn judge(
    rules: &[Rule],
    mut similarity: impl FnMut(usize) -> Result<Option<f32>, Failure>,
) -> Result<Vec<Match>, Failure> {
    let farthest = rules.iter().map(Rule::lookback).max().unwrap_or(0);
    let least = rules.iter().map(Rule::threshold).fold(f32::INFINITY, f32::min);
    let mut similarities = Vec::new();
    while similarities.len() < farthest {
        let Some(similar) = similarity(similarities.len())?.filter(|similar| *similar >= least) else { break };
        similarities.push(similar);
    }
    let run = |rule: &Rule| similarities.iter().take_while(|similar| **similar >= rule.threshold()).count();
    let holding: Vec<&Rule> = rules.iter().filter(|rule| run(rule) >= rule.lookback()).collect();
    let farthest = holding.iter().map(|rule| rule.lookback()).max();
    let farthest = holding.into_iter().filter(|rule| Some(rule.lookback()) == farthest);
    Ok(farthest.map(|rule| describe(rule, &similarities)).collect())
}

fn describe(rule: &Rule, similarities: &[f32]) -> Match {
    let turns = rule.lookback();
    let least = similarities.iter().take(turns).copied().fold(1.0, f32::min);
    let what = if turns == 1 { "the turn before".to_owned() } else { format!("each of {turns} turns before") };
    matched(&rule.name, least, format!("similar to {what}: at least {least:.3}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// One line of `cases/reask.json`: similarities of earlier turns, the latest first, the rules that hold, and how many
    /// turns were looked at.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        rules: Vec<Rule>,
        similarities: Vec<f32>,
        expect: Vec<String>,
        asked: usize,
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/reask.json")).unwrap();
        assert!(cases.len() >= 10, "{} cases", cases.len());
        for Case { name, rules, similarities, expect, asked } in cases {
            let mut looked_at = 0;
            let similarity = |turn: usize| {
                looked_at = looked_at.max(turn + 1);
                Ok(similarities.get(turn).copied())
            };
            let found: Vec<String> = judge(&rules, similarity).unwrap().into_iter().map(|found| found.rule).collect();
            assert_eq!((found, looked_at), (expect, asked), "{name}");
        }
    }

    #[test]
    fn a_match_is_as_sure_as_its_least_similar_turn() {
        let rules: Vec<Rule> = serde_json::from_str(r#"[{"name": "again", "lookback_turns": 2}]"#).unwrap();
        let found = judge(&rules, |turn| Ok([0.875, 0.9375].get(turn).copied())).unwrap().remove(0);
        assert_eq!((found.confidence, found.value), (0.875, None));
        assert_eq!(found.detail, "similar to each of 2 turns before: at least 0.875");
    }

    #[test]
    fn a_failure_is_passed_on() {
        let rules: Vec<Rule> = serde_json::from_str(r#"[{"name": "again"}]"#).unwrap();
        let failure = judge(&rules, |_| Err(trackside_sdk::failure("unavailable", "no model"))).unwrap_err();
        assert_eq!(failure.kind, "unavailable");
    }
}
