//! What a caller may choose about a model, and what came of it.

use crate::{Architecture, Instructions, Precision};

/// How to run a model. The default runs all of it as fast as this machine can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The number format of the linear layers.
    pub precision: Precision,
    /// Which kernels; `None` takes the best this machine has.
    pub instructions: Option<Instructions>,
    /// Vectors are cut to this many numbers and scaled to length 1 again, for models whose vectors mean something when cut
    /// (Matryoshka). At least 1; more than the model has cuts nothing.
    pub dimensions: Option<usize>,
    /// Only this many layers are run, for models that were trained for it. At least 1; more than the model has cuts nothing.
    pub layers: Option<usize>,
}

/// What was loaded, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The name of the model's directory, or of the model that was quantised.
    pub name: String,
    pub architecture: Architecture,
    /// The length of every vector.
    pub dimensions: usize,
    /// The longest input in tokens, special tokens included.
    pub max_tokens: usize,
    /// Never [`Precision::Auto`].
    pub precision: Precision,
    pub instructions: Instructions,
    /// The size of the weights as stored.
    pub weights_bytes: usize,
}
