//! The formulas of projections, as tables.

use super::*;
use std::time::Duration;
use trackside_config::{Reference, ScoreInput};

fn found(rule: &str, confidence: f32, value: Option<f64>) -> Match {
    Match { rule: rule.to_owned(), confidence, value, detail: "found".to_owned(), extra: Vec::new() }
}

fn evaluation(signal: &str, matches: Vec<Match>) -> Evaluation {
    Evaluation { signal: signal.to_owned(), matches, took: Duration::ZERO }
}

fn partition(semantics: Semantics) -> Partition {
    Partition {
        name: "subject".to_owned(),
        signal: "domain".to_owned(),
        members: ["math", "law", "history"].map(str::to_owned).to_vec(),
        default: "history".to_owned(),
        semantics,
    }
}

/// What is left of these matches, each with its confidence.
fn settled(semantics: Semantics, matches: &[(&str, f32)]) -> Vec<(String, f32)> {
    let matches = matches.iter().map(|(rule, confidence)| found(rule, *confidence, None)).collect();
    let mut evaluations = [evaluation("keyword", vec![found("math", 1.0, None)]), evaluation("domain", matches)];
    settle(&[partition(semantics)], &mut evaluations);
    assert_eq!(evaluations[0].matches.len(), 1, "another signal was touched");
    evaluations[1].matches.iter().map(|m| (m.rule.clone(), m.confidence)).collect()
}

#[test]
fn one_member_of_a_partition_is_left() {
    type Row<'r> = (&'r str, Semantics, &'r [(&'r str, f32)], &'r [(&'r str, f32)]);
    let rows: &[Row<'_>] = &[
        ("nothing matched", Semantics::Exclusive, &[], &[("history", 1.0)]),
        ("no member matched", Semantics::Exclusive, &[("art", 0.6)], &[("art", 0.6), ("history", 1.0)]),
        ("one member", Semantics::Exclusive, &[("math", 0.6)], &[("math", 0.6)]),
        (
            "the surest",
            Semantics::Exclusive,
            &[("math", 0.6), ("art", 0.9), ("law", 0.7)],
            &[("art", 0.9), ("law", 0.7)],
        ),
        ("the first of two as sure", Semantics::Exclusive, &[("law", 0.7), ("math", 0.7)], &[("law", 0.7)]),
        ("softmax of one", Semantics::Softmax(0.1), &[("math", 0.6)], &[("math", 0.6)]),
        ("softmax of equals", Semantics::Softmax(0.1), &[("law", 0.7), ("math", 0.7)], &[("law", 0.5)]),
        // 1 / (1 + e^((0.5 - 0.7) / 0.2)) = 1 / (1 + e^-1)
        ("softmax", Semantics::Softmax(0.2), &[("math", 0.5), ("law", 0.7)], &[("law", 0.731_058_6)]),
    ];
    for (name, semantics, matches, expected) in rows {
        let left = settled(*semantics, matches);
        let same = |(a, b): (&(String, f32), &(&str, f32))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6;
        assert!(left.len() == expected.len() && left.iter().zip(*expected).all(same), "{name}: {left:?}");
    }
}

#[test]
fn the_cut_comes_after_partitions_and_spares_defaults() {
    let matches = || {
        let scored = [("a", 0.5), ("b", 0.9), ("c", 0.7), ("d", 0.9)];
        let mut matches: Vec<Match> = scored.map(|(rule, score)| found(rule, 0.1, Some(score))).to_vec();
        matches.push(found("default", 1.0, None));
        matches
    };
    for (top_k, expected) in [
        (None, ["a", "b", "c", "d", "default"].as_slice()),
        (Some(0), &["a", "b", "c", "d", "default"]),
        (Some(1), &["b", "default"]),
        (Some(2), &["b", "d", "default"]),
        (Some(3), &["b", "c", "d", "default"]),
        (Some(9), &["a", "b", "c", "d", "default"]),
    ] {
        let mut evaluations = [evaluation("embedding", matches())];
        cut(top_k, &mut evaluations);
        assert_eq!(evaluations[0].matches.iter().map(|m| m.rule.as_str()).collect::<Vec<_>>(), expected, "{top_k:?}");
    }
}

fn of(signal: &str, name: &str) -> Reference {
    Reference { signal: signal.to_owned(), name: name.to_owned() }
}

fn score(name: &str, inputs: Vec<(f64, InputValue)>, mappings: Vec<Mapping>) -> Score {
    let inputs = inputs.into_iter().map(|(weight, value)| ScoreInput { weight, value }).collect();
    Score { name: name.to_owned(), inputs, mappings }
}

fn everything() -> Vec<SignalMatch> {
    let named = |signal: &str, found: Match| SignalMatch { signal: signal.to_owned(), found };
    vec![
        named("keyword", found("code", 1.0, None)),
        named("domain", found("math", 0.8, None)),
        named("embedding", found("hard", 0.6, Some(0.25))),
        named("reask", found("again", 0.0, None)),
    ]
}

#[test]
fn a_score_is_the_weighted_sum_of_its_inputs() {
    let binary = |name, hit, miss| InputValue::Binary { of: of("keyword", name), hit, miss };
    type Row = (&'static str, Vec<(f64, InputValue)>, f64);
    let rows: Vec<Row> = vec![
        ("nothing", vec![], 0.0),
        ("a match", vec![(0.5, binary("code", 1.0, 0.0))], 0.5),
        ("a match of another worth", vec![(0.5, binary("code", 3.0, 0.0))], 1.5),
        ("no match", vec![(0.5, binary("prose", 3.0, -2.0))], -1.0),
        ("confidence", vec![(2.0, InputValue::Confidence(of("domain", "math")))], 1.6),
        ("no confidence", vec![(2.0, InputValue::Confidence(of("domain", "law")))], 0.0),
        ("confidence 0 counts as sure", vec![(2.0, InputValue::Confidence(of("reask", "again")))], 2.0),
        ("raw value", vec![(4.0, InputValue::Raw(of("embedding", "hard")))], 1.0),
        ("no raw value", vec![(4.0, InputValue::Raw(of("domain", "math")))], 0.0),
        ("an unknown score", vec![(4.0, InputValue::Score("none".to_owned()))], 0.0),
        ("several", vec![(1.0, binary("code", 1.0, 0.0)), (-0.5, InputValue::Confidence(of("domain", "math")))], 0.6),
        ("more than there is", vec![(f64::MAX, binary("code", 10.0, 0.0))], 0.0),
    ];
    for (name, inputs, expected) in rows {
        let scores = vec![score("s", inputs, Vec::new())];
        let derived = derive(&Projections { scores, ..Projections::default() }, &everything());
        let value = derived.scores[0].1;
        assert!((value - expected).abs() < 1e-6, "{name}: {value} instead of {expected}");
    }
}

fn bands(emit: Emit, slope: f64) -> Mapping {
    let output = |name: &str, bounds| MappingOutput { name: name.to_owned(), bounds };
    let none = Predicate::default();
    Mapping {
        name: "bands".to_owned(),
        emit,
        slope,
        outputs: vec![
            output("low", Predicate { lt: Some(0.3), ..none }),
            output("middle", Predicate { gte: Some(0.3), lt: Some(0.7), ..none }),
            output("not-low", Predicate { gt: Some(0.3), ..none }),
            output("any", none),
        ],
    }
}

#[test]
fn mappings_name_ranges() {
    let rows: &[(Emit, f64, &[&str])] = &[
        (Emit::First, 0.1, &["low"]),
        (Emit::First, 0.3, &["middle"]),
        (Emit::First, 0.7, &["not-low"]),
        (Emit::All, 0.1, &["low", "any"]),
        (Emit::All, 0.3, &["middle", "any"]),
        (Emit::All, 0.5, &["middle", "not-low", "any"]),
        (Emit::All, 0.9, &["not-low", "any"]),
    ];
    for (emit, value, expected) in rows {
        let mapping = bands(*emit, 12.0);
        let names: Vec<&str> = emitted(&mapping, *value).map(|output| output.name.as_str()).collect();
        assert_eq!(names, *expected, "{emit:?} of {value}");
    }
}

#[test]
fn confidence_grows_with_the_distance_to_the_nearest_bound() {
    let rows = [
        // On the bound, and 1 / (1 + e^-(slope * distance)) beside it.
        (12.0, 1, 0.3, 0.5),
        (12.0, 1, 0.5, 0.916_827_3),
        (12.0, 1, 0.4, 0.768_524_8),
        (5.0, 1, 0.5, 0.731_058_6),
        (12.0, 0, 0.1, 0.916_827_3),
        // Without a bound the distance is 1.
        (12.0, 3, 0.3, 0.999_993_9),
    ];
    for (slope, output, value, expected) in rows {
        let mapping = bands(Emit::First, slope);
        let got = confidence(&mapping, &mapping.outputs[output], value);
        assert!((got - expected).abs() < 1e-6, "slope {slope}, output {output}, {value}: {got}");
    }
}

#[test]
fn scores_read_scores_and_outputs_before_them() {
    let code = InputValue::Binary { of: of("keyword", "code"), hit: 1.0, miss: 0.0 };
    let scores = vec![
        score("first", vec![(0.5, code)], vec![bands(Emit::All, 12.0)]),
        score(
            "second",
            vec![
                (2.0, InputValue::Score("first".to_owned())),
                (1.0, InputValue::Output("middle".to_owned())),
                (1.0, InputValue::Output("low".to_owned())),
            ],
            Vec::new(),
        ),
    ];
    let derived = derive(&Projections { scores, ..Projections::default() }, &everything());
    let names: Vec<&str> = derived.outputs.iter().map(|m| m.found.rule.as_str()).collect();
    assert_eq!(names, ["middle", "not-low", "any"]);
    assert!(derived.outputs.iter().all(|m| m.signal == "projection" && m.found.value == Some(0.5)));
    let second = derived.scores[1].1;
    assert!((second - 1.916_827_3).abs() < 1e-6, "{second}");
}
