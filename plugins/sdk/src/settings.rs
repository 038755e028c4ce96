//! Settings: their common shapes, and reading them from JSON.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Failure, failure};

/// Settings of a component that has none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// The default of settings that are on when they are left out: `#[serde(default = "trackside_sdk::on")]`.
#[must_use]
pub fn on() -> bool {
    true
}

/// What every signal is configured with: all rules of its type, and what is set for the type as a whole.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings<Rule, Module = NoSettings>
where
    Module: Default,
{
    /// The rules, in the order of the configuration.
    pub rules: Vec<Rule>,
    /// Settings of the signal type as a whole.
    #[serde(default)]
    pub module: Module,
}

pub(crate) fn parse<S: DeserializeOwned>(json: &str) -> Result<S, Failure> {
    let mut text = serde_json::Deserializer::from_str(json);
    let settings = serde_path_to_error::deserialize(&mut text)
        .map_err(|error| invalid(format_args!("{}: {}", error.path(), error.inner())))?;
    text.end().map_err(invalid)?;
    Ok(settings)
}

fn invalid(reason: impl Display) -> Failure {
    failure("invalid-settings", reason.to_string())
}

pub(crate) fn schema<S: JsonSchema>() -> String {
    schemars::schema_for!(S).as_value().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        /// The name.
        #[allow(dead_code)]
        name: String,
    }

    #[test]
    fn a_failure_names_the_place_and_what_is_wrong() {
        let failure = parse::<SignalSettings<Rule>>(r#"{"rules": [{"name": "a"}, {"name": 7}]}"#).unwrap_err();
        assert_eq!(failure.kind, "invalid-settings");
        assert!(failure.message.starts_with("rules[1].name: invalid type: integer `7`"), "{}", failure.message);
    }

    #[test]
    fn an_unknown_key_and_trailing_text_are_refused() {
        for bad in [r#"{"rules": [], "modul": {}}"#, r#"{"rules": []} x"#, r#"{"rules": [], "module": {"x": 1}}"#, ""] {
            assert!(parse::<SignalSettings<Rule>>(bad).is_err(), "{bad}");
        }
        assert!(parse::<SignalSettings<Rule>>(r#"{"rules": []}"#).is_ok());
    }

    #[test]
    fn the_schema_carries_the_doc_comments() {
        let schema = schema::<SignalSettings<Rule>>();
        assert!(schema.contains("2020-12") && schema.contains("The name."), "{schema}");
    }
}
