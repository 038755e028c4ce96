//! Reask rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// One reask rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// For people.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted for people")]
    description: String,
    /// Least similarity of two turns that ask the same; 0.8 when left out or 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    threshold: f32,
    /// How many turns in a row, counted back from the latest earlier one, have to ask the same; 1 when left out or 0.
    #[serde(default)]
    lookback_turns: usize,
}

impl Rule {
    pub(crate) fn threshold(&self) -> f32 {
        if self.threshold > 0.0 { self.threshold } else { 0.8 }
    }

    pub(crate) fn lookback(&self) -> usize {
        self.lookback_turns.max(1)
    }
}
