//! The component that serves the signal type `metadata`: compares what the client, or the gateway, attached to a request.

mod settings;

use trackside_sdk::{Component, Failure, Match, RequestHead, Signal, SignalSettings, current, matched};

pub use settings::Rule;
use settings::Source;

/// The configured signal.
#[derive(Debug)]
pub struct Metadata(Vec<Rule>);

impl Component for Metadata {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "metadata";

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        settings.rules.iter().try_for_each(Rule::check)?;
        Ok(Self(settings.rules))
    }
}

impl Signal for Metadata {
    fn evaluate(&self, _head: &RequestHead) -> Result<Vec<Match>, Failure> {
        Ok(self.judge(|source, key| match source {
            Source::Body => current::field(&["metadata".to_owned(), key.to_owned()]).and_then(|json| text(&json)),
            Source::Gateway => current::metadata(key),
        }))
    }
}

impl Metadata {
    fn judge(&self, value: impl Fn(Source, &str) -> Option<String>) -> Vec<Match> {
        let holding = self.0.iter().filter(|rule| rule.holds(value(rule.source, &rule.key).as_deref()));
        holding.map(|rule| matched(&rule.name, 1.0, rule.key.as_str())).collect()
    }
}

/// A string in JSON; metadata holds nothing else.
fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

trackside_sdk::export!(signal: Metadata);

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// One line of `cases/metadata.json`: the client's metadata, the gateway's, and whether the rule holds.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        rule: Value,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        gateway: Value,
        holds: bool,
    }

    fn configure(rule: &Value) -> Result<Metadata, Failure> {
        let mut rule = rule.clone();
        rule["name"] = json!("r");
        Metadata::configure(serde_json::from_value(json!({ "rules": [rule] })).unwrap())
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/metadata.json")).unwrap();
        assert!(cases.len() >= 15, "{} cases", cases.len());
        for Case { name, rule, body, gateway, holds } in cases {
            let found = configure(&rule).unwrap().judge(|source, key| match source {
                Source::Body => text(&body.get(key)?.to_string()),
                Source::Gateway => gateway.get(key)?.as_str().map(str::to_owned),
            });
            assert_eq!(found.len(), usize::from(holds), "{name}");
            assert!(found.iter().all(|found| found.rule == "r" && found.confidence == 1.0), "{name}");
        }
    }

    #[test]
    fn a_predicate_says_one_thing() {
        for (rule, expected) in [
            (
                json!({"key": "tier", "predicate": {}}),
                "rule `r`: the predicate takes exactly one of equals, in and exists",
            ),
            (
                json!({"key": "tier", "predicate": {"equals": "a", "exists": true}}),
                "rule `r`: the predicate takes exactly one of equals, in and exists",
            ),
            (json!({"key": "", "predicate": {"exists": true}}), "rule `r`: the key is empty"),
            (json!({"key": "tier", "predicate": {"in": []}}), "rule `r`: `in` lists no value and so never holds"),
        ] {
            assert_eq!(configure(&rule).unwrap_err().message, expected, "{rule}");
        }
    }
}
