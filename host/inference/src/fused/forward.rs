//! The forward pass: token ids in, one hidden vector per token out.

use super::{scratch::Scratch, weights::Matrix};
use crate::kernels::{Aligned, BLOCK_START, Channel, Engine, Heads, Input, Linear, Norm, padded};

/// Rows that go through the layers after attention together: few enough that all they touch stays in the second-level
/// cache, enough that the weights are fetched once for many.
const BLOCK: usize = 64;

/// A BERT-family encoder, packed for an engine.
#[derive(Debug)]
pub(crate) struct FusedBert {
    pub(super) engine: Engine,
    pub(super) width: usize,
    pub(super) heads: Heads,
    pub(super) words: Matrix,
    pub(super) places: Aligned<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

#[derive(Debug)]
pub(super) struct Layer {
    /// What the inputs of the projection are multiplied by, a padded row; the weights hold the inverse.
    pub(super) attention_factors: Option<Aligned<f32>>,
    /// To queries, keys and values of all heads, side by side.
    pub(super) projection: Linear,
    pub(super) attention_out: Linear,
    pub(super) attention_norm: Norm,
    /// The same for the inputs of `inner`.
    pub(super) inner_factors: Option<Aligned<f32>>,
    pub(super) inner: Linear,
    pub(super) outer: Linear,
    pub(super) norm: Norm,
}

/// Token ids that the model has no vectors for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("there are {tokens} tokens, but the model has {places} places")]
    TooLong { tokens: usize, places: usize },
    #[error("token {id} is none of the model's {words}")]
    UnknownToken { id: u32, words: usize },
}

impl FusedBert {
    /// One row per token, each the model's width. Rows depend on the ids alone, bit by bit, whatever was computed before.
    ///
    /// # Errors
    /// [`Unfit`] where an id has no word vector, or there are more ids than places.
    pub(crate) fn forward<'s>(&self, ids: &[u32], scratch: &'s mut Scratch) -> Result<&'s [f32], Unfit> {
        self.embed(ids, scratch)?;
        for (index, layer) in self.layers.iter().enumerate() {
            self.layer(layer, self.layers.get(index + 1), scratch);
        }
        Ok(without_padding(&mut scratch.hidden, self.width))
    }

    /// The sum of each token's word and place, normalised.
    fn embed(&self, ids: &[u32], scratch: &mut Scratch) -> Result<(), Unfit> {
        let (tokens, stride) = (ids.len(), padded(self.width));
        let too_long = Unfit::TooLong { tokens, places: self.places.len() / stride.max(1) };
        let places = self.places.get(..tokens * stride).ok_or(too_long)?;
        let hidden = scratch.hidden.resize(tokens * stride);
        hidden.fill(0.0);
        for (id, row) in ids.iter().zip(hidden.chunks_exact_mut(stride)) {
            match self.words.row(*id as usize) {
                Some(Channel::F32(word)) => row.iter_mut().zip(word).for_each(|(value, word)| *value = *word),
                Some(Channel::Int8 { codes, scale }) => {
                    row.iter_mut().zip(codes).for_each(|(value, code)| *value = f32::from(*code) * scale);
                }
                None => return Err(Unfit::UnknownToken { id: *id, words: self.words.rows() }),
            }
        }
        self.norm.add_and_apply(self.engine, hidden, places);
        Ok(())
    }

    fn layer(&self, layer: &Layer, following: Option<&Layer>, scratch: &mut Scratch) {
        let (engine, stride, inner_stride) = (self.engine, padded(self.width), padded(layer.inner.outputs()));
        let Scratch { hidden, projected, attended, inner, added, rows, room } = scratch;
        let tokens = hidden.len() / stride.max(1);

        let projected_stride = padded(layer.projection.outputs());
        let mut first = 0;
        for hidden in blocks(hidden, stride) {
            let block = hidden.len() / stride;
            let projected = projected.resize(block * projected_stride);
            let input = Input { values: hidden, factors: layer.attention_factors.as_deref() };
            layer.projection.apply(input, rows, Some(&layer.attention_out), projected);
            self.heads.take(engine, projected, first, tokens, room);
            first += block;
        }

        let attended = attended.resize(hidden.len());
        self.heads.attend(engine, tokens, room, attended);

        for (hidden, attended) in blocks_mut(hidden, stride).zip(blocks(attended, stride)) {
            let added = added.resize(hidden.len());
            layer.attention_out.apply(attended.into(), rows, Some(&layer.inner), added);
            layer.attention_norm.add_and_apply(engine, hidden, added);

            let inner = inner.resize(hidden.len() / stride * inner_stride);
            let input = Input { values: hidden, factors: layer.inner_factors.as_deref() };
            layer.inner.apply(input, rows, Some(&layer.outer), inner);
            layer.outer.apply((&*inner).into(), rows, following.map(|layer| &layer.projection), added);
            layer.norm.add_and_apply(engine, hidden, added);
        }
    }
}

fn block(values: &[f32], width: usize) -> usize {
    let rows = values.len() / width.max(1);
    rows.div_ceil(rows.div_ceil(BLOCK).max(1)).next_multiple_of(BLOCK_START).max(1) * width
}

fn blocks(values: &[f32], width: usize) -> impl Iterator<Item = &[f32]> {
    values.chunks(block(values, width))
}

fn blocks_mut(values: &mut [f32], width: usize) -> impl Iterator<Item = &mut [f32]> {
    values.chunks_mut(block(values, width))
}

/// Moves padded rows together.
fn without_padding(rows: &mut [f32], width: usize) -> &[f32] {
    let stride = padded(width);
    let tokens = rows.len() / stride.max(1);
    if stride != width {
        for row in 0..tokens {
            rows.copy_within(row * stride..row * stride + width, row * width);
        }
    }
    rows.get(..tokens * width).unwrap_or_default()
}
