//! ModernBERT on candle: norms in front of each step instead of behind it, rotated queries and keys in place of position
//! vectors, layers that see only a window around each token, and gated feed-forward steps.

use super::{
    failed,
    linear::{Linear, attention},
    row_ops::{Activation, Add, Multiply, Norm, Rotate, Softmax},
};
use crate::{
    LoadError,
    config::{AttentionKind, ModernBertConfig},
    fused::{LinearWeights, Matrix},
    weights::{Bias, Tensors, numbers},
};
use candle_core::{D, Device, Result, Tensor};
use std::sync::Arc;

pub(super) const WORDS: &str = "embeddings.tok_embeddings.weight";

/// Scores of this many pairs of tokens are held at once: 32 MiB.
const MAX_SCORES: usize = 8 << 20;

pub(super) struct ModernBert {
    words: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
}

struct Layer {
    heads: usize,
    /// The first layer has none: the words were normalised just before.
    attention_norm: Option<Norm>,
    attention: Linear,
    rotate: Arc<Rotate>,
    softmax: Softmax,
    attention_out: Linear,
    norm: Norm,
    inner: Linear,
    gate: Linear,
    outer: Linear,
}

type Loaded<T> = std::result::Result<T, LoadError>;

impl ModernBert {
    /// `layers` of the configured ones, for inputs of at most `max_tokens`.
    pub(super) fn load(
        tensors: Tensors<'_>,
        config: &ModernBertConfig,
        layers: usize,
        max_tokens: usize,
    ) -> Loaded<Self> {
        let words = numbers(tensors.matrix(WORDS, config.words, config.width)?);
        let head_width = config.width / config.heads;
        let rotate = |theta| Arc::new(Rotate::new(head_width, theta, max_tokens));
        let global = (rotate(config.global_theta), None);
        let local = (rotate(config.local_theta), Some(config.reach));
        let layer = |index| {
            let (rotate, reach) = match config.kind(index) {
                AttentionKind::Global => global.clone(),
                AttentionKind::Local => local.clone(),
            };
            Layer::load(tensors, config, index, rotate, Softmax { reach })
        };
        Ok(Self {
            words: Tensor::from_vec(words, (config.words, config.width), &Device::Cpu).map_err(failed)?,
            norm: norm(tensors, config, "embeddings.norm")?,
            layers: (0..layers).map(layer).collect::<Loaded<_>>()?,
            final_norm: norm(tensors, config, "final_norm")?,
        })
    }

    /// One vector per token, `[tokens, width]`. `ids` must not be empty nor longer than the longest input.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let hidden = self.words.index_select(&Tensor::new(ids, &Device::Cpu)?, 0)?;
        hidden.inplace_op1(&self.norm)?;
        for layer in &self.layers {
            layer.forward(&hidden)?;
        }
        hidden.inplace_op1(&self.final_norm)?;
        Ok(hidden)
    }
}

impl Layer {
    fn load(
        tensors: Tensors<'_>,
        config: &ModernBertConfig,
        index: usize,
        rotate: Arc<Rotate>,
        softmax: Softmax,
    ) -> Loaded<Self> {
        let (width, inner, heads) = (config.width, config.inner_width, config.heads);
        let name = |part: &str| format!("layers.{index}.{part}");
        let linear =
            |part: &str, inputs, outputs, bias: bool| tensors.linear(&name(part), inputs, outputs, Bias::from(bias));
        let stacked = linear("attn.Wqkv", width, width.saturating_mul(3), config.attention_bias)?;
        let attention_norm = (index > 0).then(|| norm(tensors, config, &name("attn_norm"))).transpose()?;
        let attention_out = linear("attn.Wo", width, width, config.attention_bias)?;
        let (first, second) = halves(linear("mlp.Wi", width, inner.saturating_mul(2), config.mlp_bias)?);
        let outer = linear("mlp.Wo", inner, width, config.mlp_bias)?;
        let linear = |weights, activation| Linear::new(weights, activation).map_err(failed);
        Ok(Self {
            heads,
            attention_norm,
            attention: attention(numbers(stacked.weight), stacked.bias, width, heads).map_err(failed)?,
            rotate,
            softmax,
            attention_out: linear(attention_out, Activation::Linear)?,
            norm: norm(tensors, config, &name("mlp_norm"))?,
            inner: linear(first, Activation::Gelu)?,
            gate: linear(second, Activation::Linear)?,
            outer: linear(outer, Activation::Linear)?,
        })
    }

    fn forward(&self, hidden: &Tensor) -> Result<()> {
        let attended = self.attend(&self.normalised(hidden)?)?;
        hidden.inplace_op2(&self.attention_out.forward(&attended)?, &Add)?;
        let input = hidden.copy()?;
        input.inplace_op1(&self.norm)?;
        let inner = self.inner.forward(&input)?;
        inner.inplace_op2(&self.gate.forward(&input)?, &Multiply)?;
        hidden.inplace_op2(&self.outer.forward(&inner)?, &Add)
    }

    fn normalised(&self, hidden: &Tensor) -> Result<Tensor> {
        let Some(norm) = &self.attention_norm else { return Ok(hidden.clone()) };
        let input = hidden.copy()?;
        input.inplace_op1(norm)?;
        Ok(input)
    }

    fn attend(&self, input: &Tensor) -> Result<Tensor> {
        let (tokens, width) = input.dims2()?;
        let parts = self.attention.forward(input)?;
        parts.inplace_op1(&*self.rotate)?;
        let parts = parts.reshape((tokens, 3, self.heads, width / self.heads))?.permute((1, 2, 0, 3))?.contiguous()?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?.transpose(D::Minus1, D::Minus2)?, parts.get(2)?);
        let step = (MAX_SCORES / (tokens * tokens)).clamp(1, self.heads);
        let mut attended = Vec::with_capacity(self.heads.div_ceil(step));
        for first in (0..self.heads).step_by(step) {
            let some = |part: &Tensor| part.narrow(0, first, step.min(self.heads - first));
            let scores = some(&query)?.matmul(&some(&key)?)?;
            scores.inplace_op1(&self.softmax)?;
            attended.push(scores.matmul(&some(&value)?)?);
        }
        Tensor::cat(&attended, 0)?.transpose(0, 1)?.reshape((tokens, width))
    }
}

fn norm(tensors: Tensors<'_>, config: &ModernBertConfig, name: &str) -> Loaded<Norm> {
    tensors.norm(name, config.width, config.norm_epsilon, Bias::from(config.norm_bias)).map(Norm)
}

/// The layers that make the first half of the outputs, and the second.
fn halves(weights: LinearWeights) -> (LinearWeights, LinearWeights) {
    let columns = weights.weight.columns();
    let rows = weights.weight.rows() / 2;
    let (mut values, mut bias) = (numbers(weights.weight), weights.bias);
    let second = LinearWeights {
        weight: Matrix::F32 { rows, columns, values: values.split_off(rows * columns) },
        bias: bias.split_off(rows),
    };
    (LinearWeights { weight: Matrix::F32 { rows, columns, values }, bias }, second)
}
