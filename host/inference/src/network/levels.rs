//! Levels: factors that make the inputs of a product alike in size before they are rounded to 8 bits, so that the few
//! channels with large numbers do not leave all others a few codes only. The weights hold the inverse, which makes them
//! alike in use as well. With levels, rounding to int8 turns the vectors of all-MiniLM-L6-v2 half as far as without.

use super::{bert, failed, portable_bert::PortableBert};
use crate::{
    LoadError,
    config::BertConfig,
    fused::{BertWeights, Matrix},
    tokens::Tokens,
    weights::{Tensors, numbers},
};

/// The factors of a layer's two steps whose inputs are normalised, channel by channel. Powers of two, so that applying them
/// and their inverse loses nothing.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub(crate) attention: Vec<f32>,
    pub(crate) inner: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// To queries, keys and values.
    Attention,
    /// To the inside of the feed-forward step.
    Inner,
}

/// One step's factors with the names of all they concern.
#[derive(Debug)]
pub(crate) struct Levelled {
    pub(crate) level_name: String,
    pub(crate) weight_names: Vec<String>,
    pub(crate) factors: Vec<f32>,
}

/// How many passes show which channels are large, and how many random tokens each has. It hardly depends on the text.
const PASSES: usize = 16;
const TOKENS: usize = 32;

impl Step {
    pub(super) fn level_name(self, layer: usize) -> String {
        match self {
            Self::Attention => format!("encoder.layer.{layer}.attention.self.level"),
            Self::Inner => format!("encoder.layer.{layer}.intermediate.level"),
        }
    }

    fn weight_names(self, layer: usize) -> Vec<String> {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}.weight");
        match self {
            Self::Attention => ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}"))).into(),
            Self::Inner => vec![name("intermediate.dense")],
        }
    }
}

/// Finds the levels of a model that has none yet.
pub(super) fn find(tensors: Tensors<'_>, config: &BertConfig, tokens: &Tokens) -> Result<Vec<Levelled>, LoadError> {
    let weights = bert::read(tensors, config, config.layers)?;
    let inputs = greatest_inputs(&weights, tokens).map_err(failed)?;
    let mut found = Vec::new();
    for (index, (layer, [attention, inner])) in weights.layers.iter().zip(&inputs).enumerate() {
        let queries = [&layer.query.weight, &layer.key.weight, &layer.value.weight];
        let steps = [(Step::Attention, attention, queries.as_slice()), (Step::Inner, inner, &[&layer.inner.weight])];
        for (step, inputs, matrices) in steps {
            found.push(Levelled {
                level_name: tensors.whole_name(&step.level_name(index)),
                weight_names: step.weight_names(index).iter().map(|name| tensors.whole_name(name)).collect(),
                factors: factors(inputs, &greatest_weights(matrices, config.width)),
            });
        }
    }
    Ok(found)
}

/// For each layer, the greatest size of each channel at either step.
fn greatest_inputs(weights: &BertWeights, tokens: &Tokens) -> candle_core::Result<Vec<[Vec<f32>; 2]>> {
    let (words, width) = (weights.words.rows(), weights.words.columns());
    let mut greatest = vec![[vec![0.0; width], vec![0.0; width]]; weights.layers.len()];
    let bert = PortableBert::new(weights.clone())?;
    let mut state = 1u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) as usize % words).unwrap_or(0)
    };
    for _ in 0..PASSES {
        let ids = tokens.surround((0..TOKENS.min(tokens.room())).map(|_| word()));
        bert.forward_seen(&ids, &mut |layer, step, input| {
            let Some([attention, inner]) = greatest.get_mut(layer) else { return Ok(()) };
            let kept = if step == Step::Attention { attention } else { inner };
            let rows = input.flatten_all()?.to_vec1::<f32>()?;
            rows.chunks_exact(width).for_each(|row| keep_greatest(kept, row));
            Ok(())
        })?;
    }
    Ok(greatest)
}

fn greatest_weights(matrices: &[&Matrix], width: usize) -> Vec<f32> {
    let mut greatest = vec![0.0; width];
    for matrix in matrices {
        numbers((*matrix).clone()).chunks_exact(width).for_each(|row| keep_greatest(&mut greatest, row));
    }
    greatest
}

fn keep_greatest(kept: &mut [f32], row: &[f32]) {
    kept.iter_mut().zip(row).for_each(|(kept, value)| *kept = kept.max(value.abs()));
}

/// Shares what is large evenly between a channel's inputs and its weights: both are rounded to 8 bits.
fn factors(inputs: &[f32], weights: &[f32]) -> Vec<f32> {
    const LEAST: f32 = 1e-6;
    let ratio = |(input, weight): (&f32, &f32)| (weight.max(LEAST) / input.max(LEAST)).sqrt();
    let ratios: Vec<f32> = inputs.iter().zip(weights).map(ratio).collect();
    let mut sorted = ratios.clone();
    sorted.sort_by(f32::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    ratios.iter().map(|ratio| nearest_power(ratio / middle).clamp(1.0 / 64.0, 64.0)).collect()
}

/// The nearest power of two on a logarithmic scale.
fn nearest_power(value: f32) -> f32 {
    // A float's upper bits are its sign and exponent: without the others it is the power of two below.
    f32::from_bits((value * std::f32::consts::SQRT_2).to_bits() & 0xff80_0000)
}

/// Takes the levels out of the weights again, for a pass that does not round.
pub(super) fn undo(weights: &mut BertWeights, levels: &[Level]) {
    for (layer, level) in weights.layers.iter_mut().zip(levels) {
        for matrix in [&mut layer.query.weight, &mut layer.key.weight, &mut layer.value.weight] {
            scale_columns(matrix, &level.attention);
        }
        scale_columns(&mut layer.inner.weight, &level.inner);
    }
}

fn scale_columns(matrix: &mut Matrix, factors: &[f32]) {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let mut values = numbers(matrix.clone());
    for row in values.chunks_exact_mut(columns) {
        row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
    }
    *matrix = Matrix::F32 { rows, columns, values };
}
