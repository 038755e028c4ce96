//! Preferences as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::PrototypeScoring;

/// One preference.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// Which requests it is for, in a sentence.
    #[serde(default)]
    pub(crate) description: String,
    /// Requests of the kind.
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    /// Least score at which it is chosen; 0, or left out, for any.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub(crate) threshold: f32,
}

impl Rule {
    /// What requests are compared with: the description and the examples, and in want of both the name.
    pub(crate) fn texts(&self) -> Vec<String> {
        let described = [self.description.clone()].into_iter().chain(self.examples.iter().cloned());
        let texts: Vec<String> = described.filter(|text| !text.trim().is_empty()).collect();
        if texts.is_empty() { vec![self.name.replace(['_', '-'], " ")] } else { texts }
    }
}

/// What is set for all preferences.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Module {
    /// How texts become prototypes, what the score is made of, and how far the best preference has to be ahead.
    pub(crate) prototype_scoring: PrototypeScoring,
}
