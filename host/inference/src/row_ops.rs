//! Row-wise steps as in-place candle operations that stay on the calling thread. candle spreads its own element-wise
//! operations over one spinning thread pool per process from 65,536 numbers on, and candle-nn its softmax and norms over
//! another: passes on several workers would wait for each other there.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail, cpu::erf::erf_f32};
use std::f32::consts::FRAC_1_SQRT_2;

/// Replaces every row by its softmax.
pub(crate) struct Softmax;

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = row_width(layout);
        for row in values_mut(storage, layout)?.chunks_exact_mut(width) {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for value in &mut *row {
                *value = (*value - highest).exp();
                sum += *value;
            }
            row.iter_mut().for_each(|value| *value /= sum);
        }
        Ok(())
    }
}

/// Adds a bias to every row, then applies the activation.
pub(crate) struct AddBias {
    pub(crate) values: Vec<f32>,
    pub(crate) activation: Activation,
}

#[derive(Clone, Copy)]
pub(crate) enum Activation {
    Linear,
    Gelu,
}

impl InplaceOp1 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = checked_width(self.values.len(), layout)?;
        for row in values_mut(storage, layout)?.chunks_exact_mut(width) {
            row.iter_mut().zip(&self.values).for_each(|(value, bias)| *value += bias);
            match self.activation {
                Activation::Linear => {}
                Activation::Gelu => row.iter_mut().for_each(|value| *value = gelu(*value)),
            }
        }
        Ok(())
    }
}

fn gelu(value: f32) -> f32 {
    0.5 * value * (1.0 + erf_f32(value * FRAC_1_SQRT_2))
}

/// Adds a second tensor to the first, then normalises every row (LayerNorm). Every norm of a BERT follows an addition.
pub(crate) struct AddNorm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl InplaceOp2 for AddNorm {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        added: &CpuStorage,
        added_layout: &Layout,
    ) -> Result<()> {
        let width = checked_width(self.weight.len(), layout)?;
        let added = values(added, added_layout)?.chunks_exact(width);
        for (row, added) in values_mut(storage, layout)?.chunks_exact_mut(width).zip(added) {
            self.normalise(row, added);
        }
        Ok(())
    }
}

impl AddNorm {
    fn normalise(&self, row: &mut [f32], added: &[f32]) {
        row.iter_mut().zip(added).for_each(|(value, added)| *value += added);
        let count = row.len() as f32;
        let mean = row.iter().sum::<f32>() / count;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        let scale = (variance + self.epsilon).sqrt().recip();
        for ((value, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }
}

fn row_width(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1).max(1)
}

fn checked_width(expected: usize, layout: &Layout) -> Result<usize> {
    match row_width(layout) {
        width if width == expected => Ok(width),
        width => bail!("rows have width {width}, expected {expected}"),
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets().and_then(|(start, end)| values.get(start..end)) {
        Some(values) => Ok(values),
        None => bail!("rows are not contiguous"),
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let CpuStorage::F32(values) = storage else { bail!("rows are not f32") };
    match layout.contiguous_offsets().and_then(|(start, end)| values.get_mut(start..end)) {
        Some(values) => Ok(values),
        None => bail!("rows are not contiguous"),
    }
}
