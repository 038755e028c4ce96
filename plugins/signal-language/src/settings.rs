//! Language rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// One language rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The language as its ISO 639-1 code in lower case, such as `en`. Decisions refer to it.
    #[schemars(regex(pattern = "^[a-z]{2}$"))]
    pub(crate) name: String,
    /// How sure it has to be; 0 when left out.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub(crate) threshold: f32,
}
