//! The tensors of BERT and XLM-RoBERTa, which share their names.

use super::levels::{Level, Step};
use crate::{
    LoadError,
    config::BertConfig,
    fused::{BertWeights, LayerWeights},
    weights::{Bias, Tensors},
};

pub(super) const WORDS: &str = "embeddings.word_embeddings.weight";

pub(super) fn read(tensors: Tensors<'_>, config: &BertConfig, layers: usize) -> Result<BertWeights, LoadError> {
    let width = config.width;
    Ok(BertWeights {
        words: tensors.matrix(WORDS, config.words, width)?,
        places: places(tensors, config)?,
        norm: tensors.norm("embeddings.LayerNorm", width, config.norm_epsilon, Bias::Stored)?,
        layers: (0..layers).map(|index| read_layer(tensors, config, index)).collect::<Result<_, _>>()?,
        heads: config.heads,
    })
}

/// The levels of a quantised file; `None` in others.
pub(super) fn read_levels(
    tensors: Tensors<'_>,
    config: &BertConfig,
    layers: usize,
) -> Result<Option<Vec<Level>>, LoadError> {
    let level = |index, step: Step| tensors.level(&step.level_name(index), config.width);
    let read = |index| Ok(Level { attention: level(index, Step::Attention)?, inner: level(index, Step::Inner)? });
    tensors.are_quantised().then(|| (0..layers).map(read).collect()).transpose()
}

/// Position and token type in one: a text alone is always of the first type.
fn places(tensors: Tensors<'_>, config: &BertConfig) -> Result<Vec<f32>, LoadError> {
    let (width, reserved) = (config.width, config.reserved_positions);
    let rows = config.positions + reserved;
    let mut places = tensors.values("embeddings.position_embeddings.weight", &[rows, width])?;
    let types = tensors.values("embeddings.token_type_embeddings.weight", &[config.types, width])?;
    places.drain(..reserved * width);
    for place in places.chunks_exact_mut(width) {
        place.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
    }
    Ok(places)
}

fn read_layer(tensors: Tensors<'_>, config: &BertConfig, index: usize) -> Result<LayerWeights, LoadError> {
    let (width, inner) = (config.width, config.inner_width);
    let name = |part: &str| format!("encoder.layer.{index}.{part}");
    let linear = |part: &str, inputs, outputs| tensors.linear(&name(part), inputs, outputs, Bias::Stored);
    let norm = |part: &str| tensors.norm(&name(part), width, config.norm_epsilon, Bias::Stored);
    Ok(LayerWeights {
        query: linear("attention.self.query", width, width)?,
        key: linear("attention.self.key", width, width)?,
        value: linear("attention.self.value", width, width)?,
        attention_out: linear("attention.output.dense", width, width)?,
        attention_norm: norm("attention.output.LayerNorm")?,
        inner: linear("intermediate.dense", width, inner)?,
        outer: linear("output.dense", inner, width)?,
        norm: norm("output.LayerNorm")?,
    })
}
