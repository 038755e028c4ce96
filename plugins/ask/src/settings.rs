//! What the configuration may say about programs that wrap requests up.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::presets::Preset;

/// Which texts of a user message no human wrote.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Programs whose texts are known; all of them when left out.
    pub(crate) presets: Option<Vec<Preset>>,
    /// Further texts to leave out, each from a beginning to an end.
    #[serde(default)]
    pub(crate) wrappers: Vec<Wrapper>,
    /// Further beginnings of messages that no human wrote at all, such as summaries.
    #[serde(default)]
    pub(crate) machine: Vec<String>,
    /// Further messages, as a whole, that only tell a program to go on. Case and punctuation do not matter.
    #[serde(default)]
    pub(crate) nudges: Vec<String>,
}

/// A text from a beginning to an end, both included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrapper {
    /// What it begins with.
    pub(crate) begin: String,
    /// What it ends with.
    pub(crate) end: String,
}
