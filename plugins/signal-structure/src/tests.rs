use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Rule, Structure};

/// One line of `cases/structure.json`: a feature, and its value when the rule holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    feature: Value,
    predicate: Option<Value>,
    text: String,
    value: Option<f64>,
    confidence: Option<f32>,
}

fn rule(feature: &Value, predicate: Option<&Value>) -> Rule {
    serde_json::from_value(json!({"name": "r", "feature": feature, "predicate": predicate})).unwrap()
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/structure.json")).unwrap();
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for Case { name, feature, predicate, text, value, confidence } in cases {
        let found = Structure::new(vec![rule(&feature, predicate.as_ref())]).unwrap().judge(&text);
        let found = found.first();
        assert_eq!(found.and_then(|found| found.value), value, "{name}");
        let expected = confidence.unwrap_or(1.0);
        let sure = found.is_none_or(|found| (found.confidence - expected).abs() < 1e-4);
        assert!(sure, "{name}: {found:?}, expected {expected}");
    }
}

#[test]
fn a_source_that_looks_for_nothing_is_refused() {
    for (feature, expected) in [
        (json!({"type": "count", "source": {"type": "regex"}}), "rule `r`: a regex takes a pattern"),
        (
            json!({"type": "count", "source": {"type": "regex", "pattern": "a("}}),
            "rule `r`: `a(` is no pattern: unclosed group",
        ),
        (
            json!({"type": "count", "source": {"type": "regex", "pattern": "((a{100}){100}){100}"}}),
            "rule `r`: the pattern `((a{100}){100}){100}` is too large",
        ),
        (json!({"type": "count", "source": {"type": "keyword_set"}}), "rule `r`: a keyword_set takes keywords"),
        (
            json!({"type": "sequence", "source": {"type": "sequence", "sequences": [[]]}}),
            "rule `r`: a sequence takes sequences: lists of texts in order",
        ),
        (
            json!({"type": "sequence", "source": {"type": "text_bytes"}}),
            "rule `r`: a feature of type sequence takes a source of type sequence",
        ),
    ] {
        assert_eq!(Structure::new(vec![rule(&feature, None)]).unwrap_err().message, expected);
    }
}
