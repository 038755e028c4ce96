//! The forward pass of a BERT-family encoder, fused and without allocation, over this crate's own kernels.

mod forward;
mod pack;
mod scratch;
#[cfg(test)]
mod tests;
mod weights;

pub(crate) use forward::{FusedBert, Unfit};
pub(crate) use scratch::Scratch;
pub(crate) use weights::{BertWeights, LayerWeights, LinearWeights, Matrix, NormWeights};
