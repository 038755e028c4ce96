use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use trackside_sdk::Component;

use crate::Keywords;

/// One line of `cases/keyword.json`. The host runs the same file against the built component.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: Value,
    text: String,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    detail: Option<String>,
}

/// The characters that the tables of the regular expression engine know; those of `std` may be a year newer.
pub(crate) fn assigned() -> impl Iterator<Item = char> {
    let unassigned = Regex::new(r"\p{Cn}").unwrap();
    ('\0'..=char::MAX).filter(move |c| !unassigned.is_match(c.encode_utf8(&mut [0; 4])))
}

fn configure(rules: &Value) -> Result<Keywords, trackside_sdk::Failure> {
    Keywords::configure(serde_json::from_value(json!({"rules": rules})).unwrap())
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/keyword.json")).unwrap();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for Case { name, rules, text, expect } in cases {
        let matches = configure(&rules).unwrap_or_else(|failure| panic!("{name}: {failure:?}")).find(&text);
        let found: Vec<&str> = matches.iter().map(|found| found.rule.as_str()).collect();
        let expected: Vec<&str> = expect.iter().map(|expected| expected.rule.as_str()).collect();
        assert_eq!(found, expected, "{name}");
        for (found, expected) in matches.iter().zip(&expect) {
            assert_eq!(found.confidence, 1.0, "{name}");
            assert_eq!(found.value, None, "{name}");
            if let Some(detail) = &expected.detail {
                assert_eq!(&found.detail, detail, "{name}");
            }
        }
    }
}

#[test]
fn what_cannot_be_searched_is_refused_by_rule_and_keyword() {
    let table = [
        (
            json!([{"name": "r", "operator": "OR", "keywords": ["ok", "("], "method": "regex"}]),
            "invalid-settings",
            "rule `r`: keyword 2 `(` is no pattern: unclosed group",
        ),
        (
            json!([{"name": "r", "operator": "OR", "keywords": ["(?=x)"], "method": "regex"}]),
            "invalid-settings",
            "rule `r`: keyword 1 `(?=x)` is no pattern: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            json!([{"name": "r", "operator": "OR", "keywords": [r"\p{Klingon}"], "method": "regex"}]),
            "invalid-settings",
            r"rule `r`: keyword 1 `\p{Klingon}` is no pattern: Unicode property not found",
        ),
        (
            json!([{"name": "r", "operator": "OR", "keywords": ["a", ""]}]),
            "invalid-settings",
            "rule `r`: keyword 2 is empty and would be found in every request",
        ),
        (
            json!([{"name": "n", "operator": "OR", "keywords": ["a"], "method": "ngram", "ngram_arity": 65}]),
            "invalid-settings",
            "rule `n`: ngram_arity is 65, expected 2 to 64",
        ),
    ];
    for (rules, kind, message) in table {
        let failure = configure(&rules).unwrap_err();
        assert_eq!((failure.kind.as_str(), failure.message.as_str()), (kind, message), "{rules}");
    }
}

#[test]
fn a_pattern_that_explodes_is_refused() {
    let rules = json!([{"name": "r", "operator": "OR", "keywords": ["((a{100}){100}){100}"], "method": "regex"}]);
    let failure = configure(&rules).unwrap_err();
    assert!(failure.message.starts_with("too many keywords: "), "{}", failure.message);
}

#[test]
fn settings_of_the_wrong_shape_are_refused() {
    let table = [
        (
            json!({"name": "r", "operator": "or", "keywords": []}),
            "unknown variant `or`, expected one of `AND`, `OR`, `NOR`",
        ),
        (json!({"name": "r", "keywords": []}), "missing field `operator`"),
        (json!({"name": "r", "operator": "OR", "method": "glob"}), "unknown variant `glob`"),
        (json!({"name": "r", "operator": "OR", "keyword": ["a"]}), "unknown field `keyword`"),
        (json!({"name": "r", "operator": "OR", "keywords": [1]}), "invalid type: integer `1`, expected a string"),
    ];
    for (rule, expected) in table {
        let error = serde_json::from_value::<crate::Rule>(rule).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_detail_stays_short() {
    let keywords: Vec<String> = (0..200).map(|number| format!("keyword{number}")).collect();
    let text = keywords.join(" ");
    let matches = configure(&json!([{"name": "r", "operator": "AND", "keywords": keywords}])).unwrap().find(&text);
    assert!(matches[0].detail.len() <= 256 && matches[0].detail.starts_with("keyword0, keyword1, "));
}
