//! The encoder against a reference, against a real model, and against directories it must refuse.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod golden;
mod load_errors;
mod minilm;
mod support;
