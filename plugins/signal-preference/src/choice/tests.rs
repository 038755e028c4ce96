use serde::Deserialize;

use super::*;
use crate::settings::{Module, Rule};

/// One line of `cases/preference.json`: scores of the preferences' banks, and the preference that holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: Vec<Rule>,
    #[serde(default)]
    module: Module,
    scores: Vec<f32>,
    expect: Option<String>,
}

fn choose(rules: Vec<Rule>, module: &Module, scores: &[f32]) -> Option<Match> {
    let routes = rules.into_iter().map(|rule| Route { name: rule.name, threshold: rule.threshold }).collect();
    let score = |score: &f32| BankScore { score: *score, best: *score, support: *score, prototypes: 1 };
    let scores: Vec<_> = scores.iter().map(score).collect();
    Choice { routes, margin: module.prototype_scoring.margin() }.of(&scores)
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../cases/preference.json")).unwrap();
    assert!(cases.len() >= 8, "{} cases", cases.len());
    for Case { name, rules, module, scores, expect } in cases {
        assert_eq!(choose(rules, &module, &scores).map(|found| found.rule), expect, "{name}");
    }
}

#[test]
fn a_match_tells_the_score_and_who_came_second() {
    let rules = serde_json::from_str(r#"[{"name": "code"}, {"name": "prose"}, {"name": "sums"}]"#).unwrap();
    let found = choose(rules, &Module::default(), &[0.5, 0.75, 0.25]).unwrap();
    assert_eq!((found.rule.as_str(), found.confidence, found.value), ("prose", 0.75, Some(0.75)));
    assert_eq!(found.detail, "prose 0.750, then code 0.500");
}

#[test]
fn a_preference_is_compared_by_description_and_examples_or_else_by_its_name() {
    let texts = |rule: &str| serde_json::from_str::<Rule>(rule).unwrap().texts();
    assert_eq!(texts(r#"{"name": "a", "description": "b", "examples": ["c", " ", "d"]}"#), ["b", "c", "d"]);
    assert_eq!(texts(r#"{"name": "code_review", "description": " "}"#), ["code review"]);
}
