//! The `components` block.

use super::Place;
use serde_json::Value;
use std::path::PathBuf;

/// The `components` block: Trackside's own addition to v0.3.
#[derive(Clone, Debug, Default)]
pub struct Components {
    /// A folder whose `*.wasm` files are loaded, resolved against the configuration file's folder.
    pub directory: Option<PathBuf>,
    /// Per component settings.
    pub uses: Vec<ComponentUse>,
}

/// One entry of `components.use`.
#[derive(Clone, Debug)]
pub struct ComponentUse {
    /// The type it serves.
    pub serves: String,
    /// The file, resolved against the configuration file's folder; without one the entry adjusts a built-in or a file of the directory.
    pub source: Option<PathBuf>,
    /// `sha256:` and 64 hex digits that the file must have.
    pub digest: Option<String>,
    /// A file for the component to read, resolved against the configuration file's folder.
    pub artefact: Option<PathBuf>,
    /// Settings of a component that has no block of its own elsewhere in the file (an object).
    pub configuration: Value,
    /// Capabilities it may use: `embeddings`, `neighbours`, `cache`, `key-value`.
    pub grants: Vec<String>,
    /// Most bytes of memory one instance may have.
    pub memory_bytes: Option<u64>,
    /// Longest time for one call.
    pub deadline: Option<std::time::Duration>,
    /// What happens when it fails.
    pub on_failure: Option<OnFailure>,
    /// Where it stands.
    pub place: Place,
}

/// What happens when a component fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// As if it had said nothing.
    Open,
    /// The request is answered with an error.
    Closed,
    /// The component that serves this type answers instead.
    Fallback(String),
}
