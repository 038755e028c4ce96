//! From words in a text to the rules that hold: all words of all rules in one pass. Needs no host.

use std::ops::Range;

use regex::{RegexSet, RegexSetBuilder, escape};
use trackside_sdk::{Failure, Match, failure, matched};

use crate::settings::{Rule, Severity};

/// Words of haste, as patterns.
const HASTE: [&str; 7] = ["urgent", "immediate", "asap", "deadline", "time.sensitive", "now", "critical.window"];

/// All event rules of a configuration, ready to search.
#[derive(Debug)]
pub struct Events {
    words: RegexSet,
    rules: Vec<Ready>,
}

#[derive(Debug)]
struct Ready {
    name: String,
    criteria: Vec<Criterion>,
}

/// One criterion: any of these words.
#[derive(Debug)]
struct Criterion {
    what: &'static str,
    words: Range<usize>,
}

impl Events {
    /// # Errors
    /// A rule without criteria, or more words than can be searched.
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, Failure> {
        let mut patterns = Vec::new();
        let rules = rules.iter().map(|rule| Ready::new(rule, &mut patterns)).collect::<Result<_, _>>()?;
        let words = RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(4 << 20).build();
        let words = words.map_err(|error| failure("invalid-settings", format!("too many words: {error}")))?;
        Ok(Self { words, rules })
    }

    /// The rules that hold for a text, in the order of the configuration.
    pub(crate) fn find(&self, text: &str) -> Vec<Match> {
        let found = self.words.matches(text);
        let holds = |criterion: &&Criterion| criterion.words.clone().any(|word| found.matched(word));
        let judge = |rule: &Ready| {
            let held: Vec<&str> = rule.criteria.iter().filter(holds).map(|criterion| criterion.what).collect();
            let share = held.len() as f32 / rule.criteria.len() as f32;
            (!held.is_empty()).then(|| matched(&rule.name, 0.5 + 0.5 * share, held.join(", ")))
        };
        self.rules.iter().filter_map(judge).collect()
    }
}

impl Ready {
    fn new(rule: &Rule, patterns: &mut Vec<String>) -> Result<Self, Failure> {
        let literal = |words: &[String]| {
            let words = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
            words.map(escape).collect::<Vec<_>>()
        };
        let severities = rule.severities.iter().copied().map(Severity::word);
        let haste = if rule.temporal { &HASTE[..] } else { &[] };
        let criteria = [
            ("event type", literal(&rule.event_types)),
            ("severity", severities.map(str::to_owned).collect()),
            ("action code", literal(&rule.action_codes)),
            ("haste", haste.iter().map(|word| (*word).to_owned()).collect()),
        ];
        let mut ready = Vec::new();
        for (what, words) in criteria.into_iter().filter(|(_, words)| !words.is_empty()) {
            let first = patterns.len();
            // In v0.3 a word ends where ASCII's letters, digits and `_` do.
            patterns.extend(words.iter().map(|word| format!(r"(?-u:\b){word}(?-u:\b)")));
            ready.push(Criterion { what, words: first..patterns.len() });
        }
        if ready.is_empty() {
            let message = format!("rule `{}`: there is nothing to look for, so that it never holds", rule.name);
            return Err(failure("invalid-settings", message));
        }
        Ok(Self { name: rule.name.clone(), criteria: ready })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// One line of `cases/event.json`: a rule, and the confidence when it holds.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        rule: Value,
        text: String,
        confidence: Option<f32>,
        detail: Option<String>,
    }

    fn events(rule: &Value) -> Result<Events, Failure> {
        let mut rule = rule.clone();
        rule["name"] = json!("r");
        Events::new(&[serde_json::from_value(rule).unwrap()])
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/event.json")).unwrap();
        assert!(cases.len() >= 20, "{} cases", cases.len());
        for Case { name, rule, text, confidence, detail } in cases {
            let found = events(&rule).unwrap().find(&text);
            assert_eq!(found.first().map(|found| found.confidence), confidence, "{name}");
            if let Some(detail) = detail {
                assert_eq!(found.first().map(|found| found.detail.clone()), Some(detail), "{name}");
            }
        }
    }

    #[test]
    fn a_rule_that_looks_for_nothing_is_refused() {
        for rule in [json!({}), json!({"event_types": [" ", ""], "temporal": false})] {
            let message = events(&rule).unwrap_err().message;
            assert_eq!(message, "rule `r`: there is nothing to look for, so that it never holds", "{rule}");
        }
        let refused = serde_json::from_value::<Rule>(json!({"name": "r", "severities": ["dire"]})).unwrap_err();
        assert!(refused.to_string().contains("expected one of `critical`, `high`, `medium`, `low`"), "{refused}");
    }
}
