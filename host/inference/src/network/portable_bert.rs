//! BERT on candle, where this machine has no vector instructions that the fused pass knows, and what that is held against.

use super::{
    levels::Step,
    linear::{Linear, attention},
    row_ops::{Activation, Norm, Softmax},
};
use crate::{
    fused::{BertWeights, LayerWeights},
    weights::numbers,
};
use candle_core::{D, Device, Result, Tensor};

pub(super) struct PortableBert {
    words: Tensor,
    places: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

/// Is shown a layer's index, a step of it and the step's input.
pub(super) type See<'a> = dyn FnMut(usize, Step, &Tensor) -> Result<()> + 'a;

struct Layer {
    heads: usize,
    /// Queries, keys and values of all heads side by side; the queries are scaled already.
    attention: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    inner: Linear,
    outer: Linear,
    norm: Norm,
}

impl PortableBert {
    pub(super) fn new(weights: BertWeights) -> Result<Self> {
        let (words, width) = (weights.words.rows(), weights.words.columns());
        let positions = weights.places.len() / width;
        Ok(Self {
            words: Tensor::from_vec(numbers(weights.words), (words, width), &Device::Cpu)?,
            places: Tensor::from_vec(weights.places, (positions, width), &Device::Cpu)?,
            norm: Norm(weights.norm),
            layers: weights.layers.into_iter().map(|layer| Layer::new(layer, weights.heads)).collect::<Result<_>>()?,
        })
    }

    /// One vector per token, `[tokens, width]`. `ids` must not be empty nor longer than the model's positions.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        self.forward_seen(ids, &mut |_, _, _| Ok(()))
    }

    /// The same, showing the inputs of every layer's steps.
    pub(super) fn forward_seen(&self, ids: &[u32], see: &mut See<'_>) -> Result<Tensor> {
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let mut hidden = self.words.index_select(&ids, 0)?;
        hidden.inplace_op2(&self.places.narrow(0, 0, ids.elem_count())?, &self.norm)?;
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.forward(&hidden, &mut |step, input| see(index, step, input))?;
        }
        Ok(hidden)
    }
}

impl Layer {
    fn new(weights: LayerWeights, heads: usize) -> Result<Self> {
        let width = weights.query.weight.columns();
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in [weights.query, weights.key, weights.value] {
            weight.extend(numbers(part.weight));
            bias.extend(part.bias);
        }
        Ok(Self {
            heads,
            attention: attention(weight, bias, width, heads)?,
            attention_out: Linear::new(weights.attention_out, Activation::Linear)?,
            attention_norm: Norm(weights.attention_norm),
            inner: Linear::new(weights.inner, Activation::Gelu)?,
            outer: Linear::new(weights.outer, Activation::Linear)?,
            norm: Norm(weights.norm),
        })
    }

    fn forward(&self, input: &Tensor, see: &mut dyn FnMut(Step, &Tensor) -> Result<()>) -> Result<Tensor> {
        see(Step::Attention, input)?;
        let attended = self.attention_out.forward(&self.attend(input)?)?;
        attended.inplace_op2(input, &self.attention_norm)?;
        see(Step::Inner, &attended)?;
        let output = self.outer.forward(&self.inner.forward(&attended)?)?;
        output.inplace_op2(&attended, &self.norm)?;
        Ok(output)
    }

    fn attend(&self, input: &Tensor) -> Result<Tensor> {
        let (tokens, width) = input.dims2()?;
        let parts = self.attention.forward(input)?.reshape((tokens, 3, self.heads, width / self.heads))?;
        let parts = parts.permute((1, 2, 0, 3))?.contiguous()?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let scores = query.matmul(&key.transpose(D::Minus1, D::Minus2)?)?;
        scores.inplace_op1(&Softmax::default())?;
        scores.matmul(&value)?.transpose(0, 1)?.reshape((tokens, width))
    }
}
