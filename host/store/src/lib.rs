//! State that outlives components and reloads, held in this process.
//!
//! [`KeyValue`] is the whole store, bounded in bytes; a [`Namespace`] is one owner's part of it, where values are read
//! and written.
//!
//! This crate knows nothing about guests, requests or configuration, and depends on no other crate of the workspace.

mod entries;
mod key_value;

pub use key_value::{KeyValue, Limits, MAX_KEY_BYTES, MAX_VALUE_BYTES, Namespace, StoreError, Usage};
