//! A keyword rule as the configuration writes it.

use schemars::JsonSchema;
use serde::Deserialize;

/// One keyword rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// How many of the keywords it takes.
    pub(crate) operator: Operator,
    /// The keywords; patterns when the method is `regex`.
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// Whether upper and lower case differ; they do not when left out.
    #[serde(default)]
    pub(crate) case_sensitive: bool,
    /// How keywords are looked for; whole words when left out.
    #[serde(default)]
    pub(crate) method: Method,
    /// Whether a keyword that does not occur may be a misspelt word. Not for patterns.
    #[serde(default)]
    pub(crate) fuzzy_match: bool,
    /// How many letters a misspelt word may have too many, too few or wrong; 2 when left out.
    #[serde(default = "two")]
    pub(crate) fuzzy_threshold: u32,
    /// Least score of the method `bm25`; 0.1 when left out.
    #[serde(default = "least_score")]
    pub(crate) bm25_threshold: f32,
    /// Least similarity of the method `ngram`, 0 to 1; 0.4 when left out.
    #[serde(default = "least_similarity")]
    pub(crate) ngram_threshold: f32,
    /// Letters in a piece that the method `ngram` compares, at least 2; 3 when left out.
    #[serde(default = "three")]
    #[schemars(range(max = 64))]
    pub(crate) ngram_arity: usize,
}

fn two() -> u32 {
    2
}

fn three() -> usize {
    3
}

fn least_score() -> f32 {
    0.1
}

fn least_similarity() -> f32 {
    0.4
}

/// How many of its keywords a rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Operator {
    /// Every one.
    And,
    /// At least one.
    Or,
    /// None.
    Nor,
}

/// How keywords are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// As whole words or phrases.
    #[default]
    #[serde(rename = "")]
    Words,
    /// As regular expressions in RE2 syntax.
    Regex,
    /// As whole words that may be misspelt: the same as `fuzzy_match`.
    Fuzzy,
    /// By BM25 score, each keyword a document.
    Bm25,
    /// By similarity of their pieces to those of a word.
    Ngram,
}
