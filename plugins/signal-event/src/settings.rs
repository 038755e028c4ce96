//! Event rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// One event rule. It has up to four criteria, and holds when one of them does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// Words for what happened: any one of them.
    #[serde(default)]
    pub(crate) event_types: Vec<String>,
    /// How bad it is: any one of them.
    #[serde(default)]
    pub(crate) severities: Vec<Severity>,
    /// Codes of what is to be done: any one of them.
    #[serde(default)]
    pub(crate) action_codes: Vec<String>,
    /// Whether words of haste are a criterion.
    #[serde(default)]
    pub(crate) temporal: bool,
}

/// How bad an event is. The word has to occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// `critical`.
    Critical,
    /// `high`.
    High,
    /// `medium`.
    Medium,
    /// `low`.
    Low,
}

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}
