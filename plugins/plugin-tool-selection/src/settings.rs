//! How a decision picks tools, as the configuration writes it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Settings of one decision's selection of tools.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    pub(crate) enabled: bool,
    /// Where tools are picked from.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Of mode `add`: how many are added; 3 when left out or 0.
    #[serde(default)]
    pub(crate) top_k: usize,
    /// Of mode `add`: how similar a tool has to be; 0.2 when left out.
    #[serde(default = "similar")]
    pub(crate) similarity_threshold: f32,
    /// Of mode `filter`: how similar a tool has to be; 0.25 when left out.
    #[serde(default = "relevant")]
    #[schemars(range(min = 0, max = 1))]
    pub(crate) relevance_threshold: f32,
    /// Of mode `filter`: so many stay in any case, the most similar ones; 0 when left out.
    #[serde(default)]
    pub(crate) preserve_count: usize,
    /// Accepted for v0.3's sake: the database is the component's artefact.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    tools_db_path: Option<String>,
    /// Accepted for v0.3's sake: similarity decides.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    strategy: Option<String>,
    /// Accepted for v0.3's sake: similarity decides.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    advanced_filtering: Option<Value>,
    /// Accepted for v0.3's sake: where nothing can be picked, the tools stay as they are.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted and not used")]
    fallback_to_empty: Option<bool>,
}

/// Where tools are picked from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// From a database; they are added to those of the client.
    #[default]
    Add,
    /// From those that the client offers.
    Filter,
}

fn similar() -> f32 {
    0.2
}

fn relevant() -> f32 {
    0.25
}
