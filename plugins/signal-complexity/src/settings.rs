//! Complexity rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::PrototypeScoring;

/// One complexity rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name; decisions refer to its outcomes: `NAME:hard`, `NAME:medium`, `NAME:easy`.
    pub(crate) name: String,
    /// For people.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted for people")]
    description: String,
    /// How far one side has to be ahead of the other to win; 0 when left out.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    pub(crate) threshold: f32,
    /// Examples of hard requests.
    #[serde(default)]
    pub(crate) hard: Examples,
    /// Examples of easy requests.
    #[serde(default)]
    pub(crate) easy: Examples,
}

/// Examples of one side.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Examples {
    /// Texts.
    pub(crate) candidates: Vec<String>,
    /// Images. Accepted, and not looked at.
    #[allow(dead_code, reason = "accepted for hosts that see images")]
    image_candidates: Vec<String>,
}

/// What is set for all complexity rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Module {
    /// How examples become prototypes, and what a side's score is made of.
    pub(crate) prototype_scoring: PrototypeScoring,
}
