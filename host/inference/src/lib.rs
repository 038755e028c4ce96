//! Turns text into unit vectors on the CPU, and keeps that work away from the threads that serve the network.
//!
//! [`Encoder`] loads a BERT-family sentence encoder, from a directory or from inside the binary, and embeds one text on the
//! calling thread; [`Workers`] runs any [`Embedder`] on threads of its own, with a bounded queue and deadlines. Vectors can
//! be compared only when their [`Fingerprint`]s are equal. [`Classifier`] and [`TokenClassifier`] run the classification
//! heads of the same families. [`vectors`] compares vectors, and fits classifiers to them.
//!
//! This crate knows nothing about guests, requests or configuration, and depends on no other crate of the workspace.

mod classifier;
mod config;
mod embedded;
mod embedding;
mod encoder;
mod error;
mod fingerprint;
mod fused;
mod head;
mod kernels;
mod memo;
mod model;
mod model_dir;
mod network;
mod options;
mod quantise;
mod sentence;
mod tokens;
pub mod vectors;
mod weights;
mod workers;

pub use classifier::{Classifier, LabelScore, TokenClassifier, TokenLabel};
pub use config::Architecture;
pub use embedding::{Embedder, Embedding, dot};
pub use encoder::Encoder;
pub use error::{EmbedError, LoadError};
pub use fingerprint::Fingerprint;
pub use kernels::{Engine, Instructions, NoEngine, Precision, UnknownName};
pub use options::{About, Options};
pub use quantise::{QuantiseError, Quantised, quantise};
pub use workers::{Counts, Limits, Workers};
