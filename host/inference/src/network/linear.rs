//! Linear layers on candle.

use super::row_ops::{Activation, AddBias};
use crate::{fused::LinearWeights, weights::numbers};
use candle_core::{Device, Result, Tensor};

/// `x * weight + bias`, with a weight of `[in, out]`, then an activation.
pub(super) struct Linear {
    weight: Tensor,
    bias: AddBias,
}

impl Linear {
    pub(super) fn new(weights: LinearWeights, activation: Activation) -> Result<Self> {
        let inputs = weights.weight.columns();
        Self::of(numbers(weights.weight), weights.bias, inputs, activation)
    }

    fn of(weight: Vec<f32>, bias: Vec<f32>, inputs: usize, activation: Activation) -> Result<Self> {
        // Laid out once as the product reads it: a merely transposed view would be copied for every product, which
        // makes a pass over 16 tokens twice as slow.
        let weight = Tensor::from_vec(weight, (bias.len(), inputs), &Device::Cpu)?.t()?.contiguous()?;
        Ok(Self { weight, bias: AddBias { values: bias, activation } })
    }

    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = input.matmul(&self.weight)?;
        output.inplace_op1(&self.bias)?;
        Ok(output)
    }
}

/// Queries, keys and values of all heads side by side, out of a weight that stacks theirs; the queries are scaled for the
/// softmax.
pub(super) fn attention(mut weight: Vec<f32>, mut bias: Vec<f32>, width: usize, heads: usize) -> Result<Linear> {
    let scale = ((width / heads) as f32).sqrt().recip();
    let queries = weight.iter_mut().take(width * width).chain(bias.iter_mut().take(width));
    queries.for_each(|value| *value *= scale);
    Linear::of(weight, bias, width, Activation::Linear)
}
