//! Encoders and classifiers against a reference, against a real model, and against what they must refuse or survive.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod golden;
mod heads;
mod hostile;
mod load_errors;
mod minilm;
mod quantised;
mod support;
