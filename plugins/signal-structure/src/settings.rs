//! Structure rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::Predicate;

/// One structure rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// What is measured.
    pub(crate) feature: Feature,
    /// Bounds on the value; above 0 when left out.
    #[serde(default)]
    pub(crate) predicate: Option<Predicate>,
}

/// What is measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feature {
    /// What becomes of the source.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// What is looked for.
    pub(crate) source: Source,
}

/// What becomes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// 1 when it occurs, else 0.
    Exists,
    /// How often it occurs.
    Count,
    /// How often it occurs, by the number of words in the text.
    Density,
    /// 1 when the parts of a sequence follow one another, else 0.
    Sequence,
}

/// What is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Which of the settings below counts.
    #[serde(rename = "type")]
    pub(crate) kind: SourceKind,
    /// Of `regex`: a regular expression in RE2 syntax.
    #[serde(default)]
    pub(crate) pattern: String,
    /// Of `keyword_set`: words and phrases.
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// Of `sequence`: each a list of texts that have to follow one another.
    #[serde(default)]
    pub(crate) sequences: Vec<Vec<String>>,
    /// Whether upper and lower case differ; they do not when left out.
    #[serde(default)]
    pub(crate) case_sensitive: bool,
}

/// Kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceKind {
    /// Matches of a regular expression that do not overlap.
    Regex,
    /// Words and phrases, each as often as it occurs.
    KeywordSet,
    /// Texts in order.
    Sequence,
    /// The text's length in bytes.
    TextBytes,
}
