//! Embedding rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::PrototypeScoring;

/// One embedding rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// Least score at which the rule holds; 0 when left out, which nearly every text reaches.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub(crate) threshold: f32,
    /// Example texts. A rule without any never holds.
    #[serde(default)]
    pub(crate) candidates: Vec<String>,
    /// How similarities to the examples become the score; `max` when left out.
    #[serde(default)]
    pub(crate) aggregation_method: Aggregation,
    /// What of the request is compared; `text` when left out.
    #[serde(default)]
    pub(crate) query_modality: Modality,
}

/// How similarities to the examples become the score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aggregation {
    /// The same as `max`.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// The most similar examples decide.
    Max,
    /// The same as `max`.
    Any,
    /// All examples count the same.
    Mean,
}

/// What of the request is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Modality {
    /// The same as `text`.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Its text.
    Text,
    /// Its images; not available, so that the rule never holds.
    Image,
}

/// What is set for all embedding rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Module {
    /// Whether rules that miss their threshold may hold when no rule reaches its own; they may when left out.
    enable_soft_matching: Option<bool>,
    /// At most this many rules hold, those with the highest scores; 0 for all of them; 1 when left out.
    top_k: Option<usize>,
    /// Least score of a rule that misses its threshold; 0.5 when left out or 0.
    #[schemars(range(min = 0, max = 1))]
    min_score_threshold: f32,
    /// How examples become prototypes, and what the score is made of.
    pub(crate) prototype_scoring: PrototypeScoring,
}

impl Module {
    /// The least score of a rule that misses its threshold; `None` when none may hold.
    pub(crate) fn soft_threshold(&self) -> Option<f32> {
        let given = self.min_score_threshold;
        self.enable_soft_matching.unwrap_or(true).then_some(if given > 0.0 { given } else { 0.5 })
    }

    pub(crate) fn most(&self) -> usize {
        match self.top_k {
            None => 1,
            Some(0) => usize::MAX,
            Some(most) => most,
        }
    }
}
