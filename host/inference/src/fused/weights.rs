//! The tensors of a BERT-family encoder as they come out of a file, before they are packed for an engine.

use crate::kernels::Channel;
use std::borrow::Cow;

/// A weight matrix, row-major, one row per output channel (or, for a word table, per token).
#[derive(Debug, Clone)]
pub(crate) enum Matrix {
    F32 {
        rows: usize,
        columns: usize,
        values: Vec<f32>,
    },
    /// Symmetric: a value is its code times the scale of its row. Codes lie in -127..=127.
    Int8 {
        rows: usize,
        columns: usize,
        values: Cow<'static, [i8]>,
        scales: Vec<f32>,
    },
}

/// `y = weight · x + bias`, with as many biases as the weight has rows.
#[derive(Debug, Clone)]
pub(crate) struct LinearWeights {
    pub(crate) weight: Matrix,
    pub(crate) bias: Vec<f32>,
}

#[derive(Debug, Clone)]
pub(crate) struct NormWeights {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

#[derive(Debug, Clone)]
pub(crate) struct BertWeights {
    /// One row per token id.
    pub(crate) words: Matrix,
    /// One row per place in the text. The embedding of token type 0 is already added, and rows that a model reserves
    /// for padding are already left out, so that the first row belongs to the first token.
    pub(crate) places: Vec<f32>,
    pub(crate) norm: NormWeights,
    pub(crate) layers: Vec<LayerWeights>,
    pub(crate) heads: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct LayerWeights {
    pub(crate) query: LinearWeights,
    pub(crate) key: LinearWeights,
    pub(crate) value: LinearWeights,
    pub(crate) attention_out: LinearWeights,
    pub(crate) attention_norm: NormWeights,
    pub(crate) inner: LinearWeights,
    pub(crate) outer: LinearWeights,
    pub(crate) norm: NormWeights,
}

impl Matrix {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::F32 { rows, .. } | Self::Int8 { rows, .. } => *rows,
        }
    }

    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::F32 { columns, .. } | Self::Int8 { columns, .. } => *columns,
        }
    }

    /// One row, if there is one.
    pub(super) fn row(&self, index: usize) -> Option<Channel<'_>> {
        let start = index.checked_mul(self.columns())?;
        let range = start..start.checked_add(self.columns())?;
        match self {
            Self::F32 { values, .. } => values.get(range).map(Channel::F32),
            Self::Int8 { values, scales, .. } => {
                Some(Channel::Int8 { codes: values.get(range)?, scale: *scales.get(index)? })
            }
        }
    }
}
