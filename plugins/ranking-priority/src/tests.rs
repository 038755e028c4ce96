use trackside_sdk::MatchedDecision;

use super::KEYS;
use super::order::order;

/// Name, priority, tier, confidence.
type Row = (&'static str, i32, u32, f32);

fn names(rows: &[Row]) -> String {
    let matched = decisions(rows);
    let ranked = order(&matched, KEYS);
    assert_eq!(ranked.len(), matched.len(), "every decision has a place");
    ranked.iter().map(|place| matched[place.index as usize].name.as_str()).collect::<Vec<_>>().join(" ")
}

fn reasons(rows: &[Row]) -> Vec<String> {
    order(&decisions(rows), KEYS).into_iter().map(|place| place.reason).collect()
}

fn decisions(rows: &[Row]) -> Vec<MatchedDecision> {
    let decision = |&(name, priority, tier, confidence): &Row| MatchedDecision {
        name: name.to_owned(),
        priority,
        tier,
        confidence,
        extra: Vec::new(),
    };
    rows.iter().map(decision).collect()
}

#[test]
fn priority_then_confidence_then_name() {
    let table: &[(&[Row], &str)] = &[
        (&[("a", 10, 0, 0.9), ("b", 15, 0, 0.1)], "b a"),
        (&[("a", 10, 0, 0.5), ("b", 10, 0, 0.6)], "b a"),
        (&[("economics", 10, 0, 0.5), ("business", 10, 0, 0.5)], "business economics"),
        (&[("a", -5, 0, 1.0), ("b", 0, 0, 0.0)], "b a"),
        (&[("a", i32::MIN, 0, 1.0), ("b", i32::MAX, 0, 0.0)], "b a"),
        (&[("only", 0, 0, 0.0)], "only"),
        (&[], ""),
    ];
    for (rows, expected) in table {
        assert_eq!(names(rows), *expected, "{rows:?}");
    }
}

#[test]
fn one_tier_makes_tiers_count() {
    let table: &[(&[Row], &str)] = &[
        (&[("a", 99, 2, 0.9), ("b", 1, 1, 0.1)], "b a"),
        (&[("a", 99, 1, 0.9), ("none", 1, 0, 0.1)], "none a"),
        (&[("a", 1, 1, 0.9), ("b", 99, 1, 0.8)], "a b"),
        (&[("a", 1, 1, 0.9), ("b", 2, 1, 0.9)], "b a"),
        (&[("b", 1, 1, 0.9), ("a", 1, 1, 0.9)], "a b"),
    ];
    for (rows, expected) in table {
        assert_eq!(names(rows), *expected, "{rows:?}");
    }
}

#[test]
fn reasons_name_what_decided() {
    let table: &[(&[Row], &[&str])] = &[
        (&[("a", 15, 0, 1.0)], &["priority 15, the only match"]),
        (&[("a", 15, 0, 1.0), ("b", 10, 0, 1.0)], &["priority 15, highest of 2", "priority 10, place 2 of 2"]),
        (
            &[("a", 10, 0, 0.5), ("b", 10, 0, 1.0)],
            &["priority 10, confidence 1.00, highest of 2", "priority 10, confidence 0.50, place 2 of 2"],
        ),
        (
            &[("b", 10, 0, 1.0), ("a", 10, 0, 1.0)],
            &["priority 10, confidence 1.00, first by name of 2", "priority 10, confidence 1.00, place 2 of 2"],
        ),
        (&[("a", 1, 2, 1.0), ("b", 1, 1, 1.0)], &["tier 1, lowest of 2", "tier 2, place 2 of 2"]),
    ];
    for (rows, expected) in table {
        assert_eq!(reasons(rows), *expected, "{rows:?}");
    }
}
