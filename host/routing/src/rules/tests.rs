//! Every row of the rule tree, as a table.

use super::*;
use trackside_components::types::Match;

fn found(signal: &str, rule: &str, confidence: f32, value: Option<f64>) -> SignalMatch {
    let found = Match { rule: rule.to_owned(), confidence, value, detail: String::new(), extra: Vec::new() };
    SignalMatch { signal: signal.to_owned(), found }
}

fn matches() -> Vec<SignalMatch> {
    let mut math = found("domain", "math", 0.8, None);
    math.found.extra.push(("also".to_owned(), "stem".to_owned()));
    vec![math, found("keyword", "think", 1.0, None), found("context", "long", 1.0, Some(12_000.0))]
}

fn leaf(signal: &str, name: &str) -> Rule {
    Rule::Leaf(Leaf { signal: signal.to_owned(), name: name.to_owned(), label: None, predicate: None })
}

fn bounded(signal: &str, name: &str, predicate: Predicate) -> Rule {
    Rule::Leaf(Leaf { signal: signal.to_owned(), name: name.to_owned(), label: None, predicate: Some(predicate) })
}

fn not(rule: Rule) -> Rule {
    Rule::Not(Box::new(rule))
}

#[test]
fn a_tree_holds_with_the_confidence_of_its_table_row() {
    let (math, think, law) = (leaf("domain", "math"), leaf("keyword", "think"), leaf("domain", "law"));
    let above = |gt| Predicate { gt: Some(gt), ..Predicate::default() };
    let between = Predicate { gte: Some(12_000.0), lte: Some(12_000.0), ..Predicate::default() };
    let below = Predicate { lt: Some(12_000.0), ..Predicate::default() };
    let rows: Vec<(&str, Rule, Option<f32>)> = vec![
        ("always", Rule::Always, Some(0.0)),
        ("leaf", math.clone(), Some(0.8)),
        ("leaf of another type", leaf("keyword", "math"), None),
        ("leaf by another name of the match", leaf("domain", "stem"), Some(0.8)),
        ("leaf that is absent", law.clone(), None),
        ("and", Rule::And(vec![math.clone(), think.clone()]), Some(0.9)),
        ("and with one absent", Rule::And(vec![math.clone(), law.clone()]), None),
        ("empty and", Rule::And(vec![]), Some(0.0)),
        ("or takes the highest", Rule::Or(vec![math.clone(), think.clone(), law.clone()]), Some(1.0)),
        ("or with one absent", Rule::Or(vec![law.clone(), math.clone()]), Some(0.8)),
        ("or of absent ones", Rule::Or(vec![law.clone()]), None),
        ("empty or", Rule::Or(vec![]), None),
        ("not of an absent one", not(law.clone()), Some(1.0)),
        ("not of a present one", not(math.clone()), None),
        ("not of an empty and", not(Rule::And(vec![])), None),
        ("not of an empty or", not(Rule::Or(vec![])), Some(1.0)),
        ("predicate on the raw value", bounded("context", "long", above(8_000.0)), Some(1.0)),
        ("predicate not met", bounded("context", "long", above(12_000.0)), None),
        ("predicate with both bounds", bounded("context", "long", between), Some(1.0)),
        ("predicate below", bounded("context", "long", below), None),
        ("predicate on the confidence", bounded("domain", "math", above(0.7)), Some(1.0)),
        ("predicate on an absent one", bounded("domain", "law", above(0.0)), None),
        (
            "nested",
            Rule::And(vec![Rule::Or(vec![law.clone(), math.clone()]), not(law), think]),
            Some((0.8 + 1.0 + 1.0) / 3.0),
        ),
    ];
    let matches = matches();
    for (name, rule, expected) in rows {
        let got = evaluate(&rule, &Found(&matches));
        let close = match (got, expected) {
            (Some(got), Some(expected)) => (got - expected).abs() < 1e-6,
            (None, None) => true,
            _ => false,
        };
        assert!(close, "{name}: {got:?} instead of {expected:?}");
    }
}

#[test]
fn leaves_are_listed_depth_first() {
    let rule = Rule::And(vec![not(leaf("a", "1")), Rule::Or(vec![leaf("b", "2"), leaf("c", "3")])]);
    let names: Vec<&str> = leaves(&rule).iter().map(|leaf| leaf.name.as_str()).collect();
    assert_eq!(names, ["1", "2", "3"]);
}
