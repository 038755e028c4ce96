use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::settings::{Module, Rule};

/// One line of `cases/embedding.json`: scores of the rules' banks, and the rules that hold, in their order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: Vec<Value>,
    #[serde(default)]
    module: Value,
    scores: Vec<f32>,
    expect: Vec<String>,
}

fn score(score: f32) -> BankScore {
    BankScore { score, best: score, support: score, prototypes: 1 }
}

fn choose(rules: Vec<Value>, module: Value, scores: &[f32]) -> Vec<Match> {
    let rules: Vec<Rule> = rules.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect();
    let module: Module = if module.is_null() { Module::default() } else { serde_json::from_value(module).unwrap() };
    let wanted: Vec<_> = rules.into_iter().map(|rule| Wanted { name: rule.name, threshold: rule.threshold }).collect();
    let scores: Vec<_> = scores.iter().copied().map(score).collect();
    Choice { soft_threshold: module.soft_threshold(), most: module.most() }.of(&wanted, &scores)
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../cases/embedding.json")).unwrap();
    assert!(cases.len() >= 12, "{} cases", cases.len());
    for Case { name, rules, module, scores, expect } in cases {
        let found: Vec<String> = choose(rules, module, &scores).into_iter().map(|found| found.rule).collect();
        assert_eq!(found, expect, "{name}");
    }
}

#[test]
fn a_match_tells_its_score_as_confidence_and_value() {
    let rule = serde_json::json!({"name": "refund", "threshold": 0.7});
    let found = choose(vec![rule], Value::Null, &[0.75]).remove(0);
    assert_eq!((found.confidence, found.value), (0.75, Some(0.75)));
    assert_eq!(found.detail, "score 0.750 reaches 0.700: best 0.750 and support 0.750 of 1 prototypes");
}

#[test]
fn a_score_that_is_no_number_holds_nowhere() {
    let rule = serde_json::json!({"name": "any"});
    assert!(choose(vec![rule], Value::Null, &[f32::NAN]).is_empty());
}
