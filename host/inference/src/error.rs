//! What can go wrong, when a model is loaded and when a text is embedded.

use crate::{Architecture, Instructions, NoEngine, Precision};
use std::{io, path::PathBuf};

/// Why a model cannot be used: the file at fault, or the option.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not a regular file of at most {limit} bytes", path.display())]
    NotReadable { path: PathBuf, limit: u64 },
    #[error("{} is not the JSON expected here", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{}: {field} is \"{found}\", expected {expected}", path.display())]
    Unsupported { path: PathBuf, field: String, found: String, expected: &'static str },
    #[error("{} is not a usable tokenizer", path.display())]
    Tokenizer { path: PathBuf, source: tokenizers::Error },
    #[error("{}: the tokenizer knows token {highest}, but the model has {rows} word vectors", path.display())]
    Vocabulary { path: PathBuf, highest: u32, rows: usize },
    #[error("{} is not a usable safetensors file", path.display())]
    Weights { path: PathBuf, source: safetensors::SafeTensorError },
    #[error("{}: tensor {name} is missing", path.display())]
    MissingTensor { path: PathBuf, name: String },
    #[error("{}: tensor {name} has shape {found:?}, expected {expected:?} by config.json", path.display())]
    Shape { path: PathBuf, name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("{}: tensor {name} holds a number that is not finite", path.display())]
    NotFinite { path: PathBuf, name: String },
    #[error("the network cannot be built")]
    Network { source: Box<candle_core::Error> },
    #[error(transparent)]
    Engine(#[from] NoEngine),
    /// The architecture has no kernels of its own, and so no choice of them.
    #[error("{architecture} runs in fp32 with portable instructions only, asked for was {precision}{}", with(*instructions))]
    NoKernels { architecture: Architecture, precision: Precision, instructions: Option<Instructions> },
    #[error("{option} is 0, expected at least 1")]
    Nothing { option: &'static str },
}

fn with(instructions: Option<Instructions>) -> String {
    instructions.map(|instructions| format!(" with {instructions} instructions")).unwrap_or_default()
}

/// Why a text has no embedding.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Try again later, or do without: nothing was computed.
    #[error("{waiting} texts wait to be embedded already, which is the limit")]
    Overloaded { waiting: usize },
    #[error("the deadline passed before the text was embedded")]
    DeadlineExceeded,
    #[error("the text cannot be tokenised")]
    Tokenize { source: tokenizers::Error },
    #[error("the encoder failed")]
    Model { source: Box<candle_core::Error> },
    #[error("the model has {words} word vectors, and none for token {id}")]
    UnknownToken { id: u32, words: usize },
    #[error("{tokens} tokens are more than the model's {places} places")]
    TooLong { tokens: usize, places: usize },
    #[error("the vector has no direction: its length is {length}")]
    NoDirection { length: f32 },
    /// A defect in the encoder or a library below it; the worker that met it goes on.
    #[error("the encoder panicked")]
    Panicked,
    #[error("the embedding workers have stopped")]
    Stopped,
}

impl From<candle_core::Error> for EmbedError {
    fn from(source: candle_core::Error) -> Self {
        Self::Model { source: Box::new(source) }
    }
}
