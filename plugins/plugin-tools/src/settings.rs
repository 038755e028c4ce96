//! What a decision says about tools, as the configuration writes it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Settings of one decision's tools.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    pub(crate) enabled: bool,
    /// What becomes of the tools that the client offers.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Whether tools are picked from the database by what the request is about, when there is one; true when left out.
    #[serde(default = "trackside_sdk::on")]
    pub(crate) semantic_selection: bool,
    /// Of mode `filtered`: the only tools that are kept. Case does not matter.
    #[serde(default)]
    pub(crate) allow_tools: Vec<String>,
    /// Of mode `filtered`: tools that are taken out. Case does not matter.
    #[serde(default)]
    pub(crate) block_tools: Vec<String>,
    /// Of mode `none`: whether calls and results are taken out of the conversation too.
    #[serde(default)]
    pub(crate) strip_tool_history: bool,
    /// How many tools are picked from the database; 3 when left out.
    #[serde(default = "three")]
    pub(crate) top_k: usize,
    /// How similar a tool has to be to be picked; 0.2 when left out.
    #[serde(default = "similar")]
    pub(crate) similarity_threshold: f32,
    /// Accepted for v0.3's sake: tools are picked by similarity.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    strategy: Option<String>,
    /// Accepted for v0.3's sake: tools are picked by similarity.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    dynamic_retrieval: Option<Value>,
}

/// What becomes of the tools that the client offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// They are taken away.
    None,
    /// They stay.
    #[default]
    Passthrough,
    /// Some are taken out by name.
    Filtered,
}

fn three() -> usize {
    3
}

fn similar() -> f32 {
    0.2
}
