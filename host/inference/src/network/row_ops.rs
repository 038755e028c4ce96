//! Row-wise steps as in-place candle operations that stay on the calling thread. candle spreads its own element-wise
//! operations over one spinning thread pool per process from 65,536 numbers on, and candle-nn its softmax and norms over
//! another: passes on several workers would wait for each other there.

use crate::fused::NormWeights;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail, cpu::erf::erf_f32};
use std::f32::consts::FRAC_1_SQRT_2;

/// Replaces every row by its softmax. Row after row, the rows belong to the tokens of a text, and a row has a column for
/// each of them; columns further than the reach from the row's own token count for nothing.
#[derive(Default)]
pub(super) struct Softmax {
    pub(super) reach: Option<usize>,
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = row_width(layout);
        for (index, row) in values_mut(storage, layout)?.chunks_exact_mut(width).enumerate() {
            match self.reach {
                None => softmax(row),
                Some(reach) => {
                    let token = index % width;
                    let (before, rest) = row.split_at_mut(token.saturating_sub(reach));
                    let seen = token.saturating_add(reach).saturating_add(1).min(width) - before.len();
                    let (seen, after) = rest.split_at_mut(seen);
                    before.fill(0.0);
                    softmax(seen);
                    after.fill(0.0);
                }
            }
        }
        Ok(())
    }
}

fn softmax(row: &mut [f32]) {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in &mut *row {
        *value = (*value - highest).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
}

/// Adds a bias to every row, then applies the activation.
pub(super) struct AddBias {
    pub(super) values: Vec<f32>,
    pub(super) activation: Activation,
}

#[derive(Clone, Copy)]
pub(super) enum Activation {
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

pub(crate) fn gelu(value: f32) -> f32 {
    0.5 * value * (1.0 + erf_f32(value * FRAC_1_SQRT_2))
}

/// Normalises every row (LayerNorm). With a second tensor, adds that first.
pub(super) struct Norm(pub(super) NormWeights);

impl InplaceOp1 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = checked_width(self.0.weight.len(), layout)?;
        values_mut(storage, layout)?.chunks_exact_mut(width).for_each(|row| normalise(row, &self.0));
        Ok(())
    }
}

impl InplaceOp2 for Norm {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout, added: &CpuStorage, from: &Layout) -> Result<()> {
        let width = checked_width(self.0.weight.len(), layout)?;
        let added = values(added, from)?.chunks_exact(width);
        for (row, added) in values_mut(storage, layout)?.chunks_exact_mut(width).zip(added) {
            row.iter_mut().zip(added).for_each(|(value, added)| *value += added);
            normalise(row, &self.0);
        }
        Ok(())
    }
}

/// LayerNorm of one row.
pub(crate) fn normalise(row: &mut [f32], norm: &NormWeights) {
    let count = row.len() as f32;
    let mean = row.iter().sum::<f32>() / count;
    let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    let scale = (variance + norm.epsilon).sqrt().recip();
    for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
        *value = (*value - mean) * scale * weight + bias;
    }
}

/// Adds the second tensor to the first.
pub(super) struct Add;

impl InplaceOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout, added: &CpuStorage, from: &Layout) -> Result<()> {
        let added = values(added, from)?;
        values_mut(storage, layout)?.iter_mut().zip(added).for_each(|(value, added)| *value += added);
        Ok(())
    }
}

/// Multiplies the first tensor by the second.
pub(super) struct Multiply;

impl InplaceOp2 for Multiply {
    fn name(&self) -> &'static str {
        "multiply"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout, by: &CpuStorage, from: &Layout) -> Result<()> {
        let by = values(by, from)?;
        values_mut(storage, layout)?.iter_mut().zip(by).for_each(|(value, by)| *value *= by);
        Ok(())
    }
}

/// Turns the queries and keys of every row by the place of its token. A row holds queries, keys and values, each with all
/// heads side by side.
pub(super) struct Rotate {
    /// Half the width of a head: numbers are turned in pairs, the first half of a head with the second.
    half: usize,
    /// Cosine and sine of each pair's angle, place after place.
    turns: Vec<(f32, f32)>,
}

impl Rotate {
    /// Up to `places` places. `theta` is the base of the angles: the last pair of a head turns slowest.
    pub(super) fn new(head_width: usize, theta: f32, places: usize) -> Self {
        let half = head_width / 2;
        let angle = |place: usize, pair: usize| {
            let frequency = f64::from(theta).powf(-((2 * pair) as f64) / head_width as f64);
            place as f64 * frequency
        };
        let turn = |(sine, cosine): (f64, f64)| (cosine as f32, sine as f32);
        let turns = (0..places).flat_map(|place| (0..half).map(move |pair| turn(angle(place, pair).sin_cos())));
        Self { half, turns: turns.collect() }
    }
}

impl InplaceOp1 for Rotate {
    fn name(&self) -> &'static str {
        "rotate"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = row_width(layout);
        let places = self.turns.chunks_exact(self.half);
        for (row, turns) in values_mut(storage, layout)?.chunks_exact_mut(width).zip(places) {
            let (turned, _values) = row.split_at_mut(width / 3 * 2);
            for head in turned.chunks_exact_mut(self.half * 2) {
                let (firsts, seconds) = head.split_at_mut(self.half);
                for ((first, second), (cosine, sine)) in firsts.iter_mut().zip(seconds).zip(turns) {
                    (*first, *second) = (*first * cosine - *second * sine, *second * cosine + *first * sine);
                }
            }
        }
        Ok(())
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
