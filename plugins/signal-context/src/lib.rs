//! The component that serves the signal type `context`: tells how much context a request takes, in tokens.

mod estimate;
mod settings;

use trackside_sdk::{Component, Failure, Match, RequestHead, Signal, SignalSettings, current, matched};

pub use settings::Rule;

/// The configured signal.
#[derive(Debug)]
pub struct Context(Vec<Rule>);

impl Component for Context {
    type Settings = SignalSettings<Rule>;
    const SERVES: &'static str = "context";

    fn configure(settings: Self::Settings) -> Result<Self, Failure> {
        settings.rules.iter().try_for_each(Rule::check)?;
        Ok(Self(settings.rules))
    }
}

impl Signal for Context {
    fn evaluate(&self, _head: &RequestHead) -> Result<Vec<Match>, Failure> {
        let reserve = estimate::reserve(current::field);
        Ok(self.judge(estimate::tokens(&current::facts(), reserve)))
    }
}

impl Context {
    fn judge(&self, tokens: u64) -> Vec<Match> {
        let holding = self.0.iter().filter(|rule| rule.holds(tokens));
        holding.map(|rule| matched(rule.name(), 1.0, format!("about {tokens} tokens"))).collect()
    }
}

trackside_sdk::export!(signal: Context);

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// One line of `cases/context.json`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        rules: Value,
        tokens: u64,
        expect: Vec<String>,
    }

    fn configure(rules: &Value) -> Result<Context, Failure> {
        Context::configure(serde_json::from_value(json!({ "rules": rules })).unwrap())
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/context.json")).unwrap();
        assert!(cases.len() >= 12, "{} cases", cases.len());
        for Case { name, rules, tokens, expect } in cases {
            let found = configure(&rules).unwrap().judge(tokens);
            let names: Vec<&str> = found.iter().map(|found| found.rule.as_str()).collect();
            assert_eq!(names, expect, "{name}");
            assert!(found.iter().all(|found| found.confidence == 1.0 && found.value.is_none()), "{name}");
        }
    }

    #[test]
    fn a_range_that_holds_nothing_is_refused() {
        let failure = configure(&json!([{"name": "r", "min_tokens": "8K", "max_tokens": "4K"}])).unwrap_err();
        assert_eq!(failure.message, "rule `r`: min_tokens is 8000 and max_tokens 4000, so that it never holds");
    }
}
