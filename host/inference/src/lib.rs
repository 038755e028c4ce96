//! Turns text into unit vectors on the CPU, and keeps that work away from the threads that serve the network.
//!
//! [`Encoder`] loads a BERT-family sentence encoder from a directory and embeds one text on the calling thread;
//! [`Workers`] runs any [`Embedder`] on threads of its own, with a bounded queue and deadlines. Vectors can be compared
//! only when their [`Fingerprint`]s are equal.
//!
//! This crate knows nothing about guests, requests or configuration, and depends on no other crate of the workspace.

mod bert;
mod embedding;
mod encoder;
mod error;
mod fingerprint;
mod model_dir;
mod row_ops;
mod tokens;
mod weights;
mod workers;

pub use embedding::{Embedder, Embedding, dot};
pub use encoder::Encoder;
pub use error::{EmbedError, LoadError};
pub use fingerprint::Fingerprint;
pub use workers::{Counts, Limits, Workers};
