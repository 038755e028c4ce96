//! Domains as the configuration writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// One domain.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to. One of the known names needs nothing else.
    pub(crate) name: String,
    /// What it is about, in a sentence or in keywords.
    #[serde(default)]
    pub(crate) description: String,
    /// The known names that stand for this domain; its own name when left out.
    #[serde(default)]
    pub(crate) mmlu_categories: Vec<String>,
    /// Examples of what belongs to it. With five or more for every domain a classifier is fitted to them.
    #[serde(default)]
    pub(crate) candidates: Vec<String>,
    /// Scores of models for this domain. Read by selectors, not here.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted for others")]
    model_scores: BTreeMap<String, f64>,
}

/// What is set for all domains. Keys that choose a classifier model are accepted and change nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Module {
    /// Least probability of a domain that is reported; 0.5 when left out. 0 reports every domain, clear or not.
    threshold: Option<f64>,
}

impl Module {
    pub(crate) fn threshold(&self) -> f64 {
        self.threshold.unwrap_or(0.5)
    }
}
