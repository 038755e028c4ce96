//! From the tensors of a file to the layers of an engine.

use super::{
    forward::{FusedBert, Layer},
    weights::{BertWeights, LayerWeights, LinearWeights, Matrix, NormWeights},
};
use crate::{
    kernels::{Activation, Aligned, Channel, Engine, Heads, Linear, Norm, Slab, padded},
    network::Level,
};

impl FusedBert {
    /// Packs the weights for an engine: some tens of milliseconds of work for MiniLM.
    pub(crate) fn pack(weights: BertWeights, engine: Engine) -> Self {
        let width = weights.words.columns();
        let heads = Heads { count: weights.heads, width: width / weights.heads.max(1) };
        let mut slab = Slab::default();
        Self {
            engine,
            heads,
            norm: norm(&weights.norm),
            layers: weights.layers.into_iter().map(|layer| Layer::pack(layer, heads, engine, &mut slab)).collect(),
            words: weights.words,
            places: padded_rows(&weights.places, width),
            width,
        }
    }

    /// Sets what the layers' inputs are multiplied by, where the weights hold the inverse.
    pub(crate) fn level(mut self, levels: &[Level]) -> Self {
        for (layer, level) in self.layers.iter_mut().zip(levels) {
            layer.attention_factors = Some(padded_rows(&level.attention, self.width));
            layer.inner_factors = Some(padded_rows(&level.inner, self.width));
        }
        self
    }
}

impl Layer {
    fn pack(weights: LayerWeights, heads: Heads, engine: Engine, slab: &mut Slab) -> Self {
        // What every score is multiplied by goes into the queries once and for all.
        let query = weights.query.scaled(heads.query_scale());
        let mut linear = |parts: &[LinearWeights], activation| {
            let channels: Vec<_> = parts.iter().flat_map(LinearWeights::channels).collect();
            let inputs = parts.first().map_or(0, |part| part.weight.columns());
            Linear::pack(engine, activation, inputs, &channels, Some(slab))
        };
        Self {
            attention_factors: None,
            inner_factors: None,
            projection: linear(&[query, weights.key, weights.value], Activation::Identity),
            attention_out: linear(&[weights.attention_out], Activation::Identity),
            attention_norm: norm(&weights.attention_norm),
            inner: linear(&[weights.inner], Activation::Gelu),
            outer: linear(&[weights.outer], Activation::Identity),
            norm: norm(&weights.norm),
        }
    }
}

impl LinearWeights {
    fn scaled(mut self, factor: f32) -> Self {
        let (Matrix::F32 { values, .. } | Matrix::Int8 { scales: values, .. }) = &mut self.weight;
        values.iter_mut().chain(&mut self.bias).for_each(|value| *value *= factor);
        self
    }

    /// Each output's weights and bias.
    fn channels(&self) -> impl Iterator<Item = (Channel<'_>, f32)> {
        let rows = self.weight.rows();
        (0..rows).filter_map(|row| self.weight.row(row)).zip(self.bias.iter().copied())
    }
}

fn norm(weights: &NormWeights) -> Norm {
    Norm::new(&weights.weight, &weights.bias, weights.epsilon)
}

fn padded_rows(values: &[f32], width: usize) -> Aligned<f32> {
    let (width, stride) = (width.max(1), padded(width.max(1)));
    let mut rows = Aligned::zeroed(values.len() / width * stride);
    for (to, from) in rows.chunks_exact_mut(stride).zip(values.chunks_exact(width)) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    rows
}
