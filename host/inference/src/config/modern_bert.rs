//! The sizes of a ModernBERT, in the spelling of either generation of files.

use super::{expect_gelu, expect_positive, expect_sizes, gelu};
use crate::{LoadError, model_dir::Contents};
use serde::Deserialize;
use serde_json::Value;

/// All sizes are at least 1, the heads divide the width, and the width of a head is even.
#[derive(Debug)]
pub(crate) struct ModernBertConfig {
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) inner_width: usize,
    pub(crate) words: usize,
    pub(crate) positions: usize,
    pub(crate) layers: usize,
    pub(crate) norm_epsilon: f32,
    pub(crate) norm_bias: bool,
    pub(crate) attention_bias: bool,
    pub(crate) mlp_bias: bool,
    /// How far local attention reaches to either side, in tokens.
    pub(crate) reach: usize,
    pub(crate) global_theta: f32,
    pub(crate) local_theta: f32,
    kinds: Kinds,
}

/// What a layer's tokens attend to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum AttentionKind {
    #[serde(rename = "full_attention")]
    Global,
    #[serde(rename = "sliding_attention")]
    Local,
}

/// Which layers attend to what.
#[derive(Debug)]
enum Kinds {
    /// Every so many layers, the first included, attend globally.
    Every(usize),
    Listed(Vec<AttentionKind>),
}

#[derive(Deserialize)]
struct Raw {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "small")]
    norm_eps: f32,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "window")]
    local_attention: usize,
    #[serde(default = "gelu")]
    hidden_activation: String,
    // Files written before 2026 have these three,
    #[serde(default = "three")]
    global_attn_every_n_layers: usize,
    #[serde(default)]
    global_rope_theta: Option<f32>,
    #[serde(default = "local_theta")]
    local_rope_theta: Option<f32>,
    // and files written since then these two.
    #[serde(default)]
    layer_types: Option<Vec<AttentionKind>>,
    #[serde(default)]
    rope_parameters: Option<RopeParameters>,
    #[serde(default)]
    rope_scaling: Value,
}

#[derive(Deserialize)]
struct RopeParameters {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Deserialize)]
struct Rope {
    rope_theta: Option<f32>,
    #[serde(default = "default_rope")]
    rope_type: String,
}

// The values that the format gives to fields a config.json leaves out.
fn small() -> f32 {
    1e-5
}
fn window() -> usize {
    128
}
fn three() -> usize {
    3
}
#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn local_theta() -> Option<f32> {
    Some(10_000.0)
}
fn default_rope() -> String {
    "default".into()
}
const GLOBAL_THETA: f32 = 160_000.0;

impl ModernBertConfig {
    pub(super) fn read(file: &Contents) -> Result<Self, LoadError> {
        let raw: Raw = file.parse()?;
        raw.check(file)?;
        let (global_theta, local_theta) = raw.thetas(file)?;
        let kinds = match raw.layer_types {
            Some(kinds) => {
                let fits = kinds.len() == raw.num_hidden_layers;
                file.expect("layer_types", format!("{} entries", kinds.len()), fits, "one for each layer")?;
                Kinds::Listed(kinds)
            }
            None => Kinds::Every(raw.global_attn_every_n_layers),
        };
        Ok(Self {
            width: raw.hidden_size,
            heads: raw.num_attention_heads,
            inner_width: raw.intermediate_size,
            words: raw.vocab_size,
            positions: raw.max_position_embeddings,
            layers: raw.num_hidden_layers,
            norm_epsilon: raw.norm_eps,
            norm_bias: raw.norm_bias,
            attention_bias: raw.attention_bias,
            mlp_bias: raw.mlp_bias,
            reach: raw.local_attention / 2,
            global_theta,
            local_theta,
            kinds,
        })
    }

    pub(crate) fn kind(&self, layer: usize) -> AttentionKind {
        match &self.kinds {
            Kinds::Listed(kinds) => kinds.get(layer).copied().unwrap_or(AttentionKind::Global),
            Kinds::Every(count) if layer.is_multiple_of(*count) => AttentionKind::Global,
            Kinds::Every(_) => AttentionKind::Local,
        }
    }
}

impl Raw {
    fn check(&self, file: &Contents) -> Result<(), LoadError> {
        let (width, heads) = (self.hidden_size, self.num_attention_heads);
        let sizes = [
            ("hidden_size", width),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", heads),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("global_attn_every_n_layers", self.global_attn_every_n_layers),
        ];
        expect_sizes(file, &sizes)?;
        // Rotation turns pairs of numbers.
        let divides = width.is_multiple_of(heads) && (width / heads).is_multiple_of(2);
        file.expect("num_attention_heads", heads, divides, "a divisor of half of hidden_size")?;
        expect_positive(file, "norm_eps", self.norm_eps)?;
        expect_gelu(file, "hidden_activation", &self.hidden_activation)?;
        file.expect("rope_scaling", &self.rope_scaling, self.rope_scaling.is_null(), "none")
    }

    /// The bases of the rotations of global and of local attention.
    fn thetas(&self, file: &Contents) -> Result<(f32, f32), LoadError> {
        let (global, local) = match &self.rope_parameters {
            Some(ropes) => (ropes.full_attention.as_ref(), ropes.sliding_attention.as_ref()),
            None => (None, None),
        };
        for rope in [global, local].into_iter().flatten() {
            file.expect("rope_type", &rope.rope_type, rope.rope_type == "default", "default")?;
        }
        let theta = |rope: Option<&Rope>| rope.and_then(|rope| rope.rope_theta);
        let global = theta(global).or(self.global_rope_theta).unwrap_or(GLOBAL_THETA);
        let local = theta(local).or(self.local_rope_theta).unwrap_or(global);
        expect_positive(file, "rope_theta", global)?;
        expect_positive(file, "rope_theta", local)?;
        Ok((global, local))
    }
}
