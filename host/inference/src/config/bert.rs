//! The sizes of a BERT, and of an XLM-RoBERTa, which is one whose first positions are reserved.

use super::{Architecture, expect_gelu, expect_positive, expect_sizes, gelu};
use crate::{LoadError, model_dir::Contents};
use serde::Deserialize;

/// All sizes are at least 1, and the heads divide the width.
#[derive(Debug, Deserialize)]
pub(crate) struct BertConfig {
    #[serde(rename = "hidden_size")]
    pub(crate) width: usize,
    #[serde(rename = "num_hidden_layers")]
    pub(crate) layers: usize,
    #[serde(rename = "num_attention_heads")]
    pub(crate) heads: usize,
    #[serde(rename = "intermediate_size")]
    pub(crate) inner_width: usize,
    #[serde(rename = "vocab_size")]
    pub(crate) words: usize,
    /// Without the reserved ones.
    #[serde(rename = "max_position_embeddings")]
    pub(crate) positions: usize,
    /// Rows of the position table in front of the first token's: XLM-RoBERTa counts on from its padding token.
    #[serde(skip)]
    pub(crate) reserved_positions: usize,
    #[serde(rename = "type_vocab_size", default = "two")]
    pub(crate) types: usize,
    #[serde(rename = "layer_norm_eps", default = "tiny")]
    pub(crate) norm_epsilon: f32,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default)]
    pad_token_id: Option<usize>,
}

// The values that the format gives to fields a config.json leaves out.
fn two() -> usize {
    2
}
fn tiny() -> f32 {
    1e-12
}
fn absolute() -> String {
    "absolute".into()
}

impl BertConfig {
    pub(super) fn read(file: &Contents, architecture: Architecture) -> Result<Self, LoadError> {
        let mut found: Self = file.parse()?;
        found.check(file)?;
        if architecture == Architecture::XlmRoberta {
            found.reserved_positions = found.pad_token_id.unwrap_or(1).saturating_add(1);
            let holds = found.positions > found.reserved_positions;
            file.expect("max_position_embeddings", found.positions, holds, "more than pad_token_id and one")?;
            found.positions -= found.reserved_positions;
        }
        Ok(found)
    }

    fn check(&self, file: &Contents) -> Result<(), LoadError> {
        let sizes = [
            ("hidden_size", self.width),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.inner_width),
            ("vocab_size", self.words),
            ("max_position_embeddings", self.positions),
            ("type_vocab_size", self.types),
        ];
        expect_sizes(file, &sizes)?;
        let divides = self.width.is_multiple_of(self.heads);
        file.expect("num_attention_heads", self.heads, divides, "a divisor of hidden_size")?;
        expect_positive(file, "layer_norm_eps", self.norm_epsilon)?;
        expect_gelu(file, "hidden_act", &self.hidden_act)?;
        let kind = &self.position_embedding_type;
        file.expect("position_embedding_type", kind, kind == "absolute", "absolute")
    }
}
