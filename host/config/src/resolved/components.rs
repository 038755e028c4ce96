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
    /// Components that are tried beside the active ones, at most one for each type.
    pub candidates: Vec<Candidate>,
}

impl Components {
    /// The entry of `components.use` for a type.
    #[must_use]
    pub fn used(&self, serves: &str) -> Option<&ComponentUse> {
        self.uses.iter().find(|used| used.serves == serves)
    }

    /// The entry of `components.shadow` for a type.
    #[must_use]
    pub fn candidate(&self, serves: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.serves == serves)
    }
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
    /// Most bytes that one call may return.
    pub output_bytes: Option<u64>,
    /// Most elements in the tables of one instance.
    pub table_elements: Option<usize>,
    /// Most instances at once.
    pub instances: Option<usize>,
    /// What happens when it fails.
    pub on_failure: Option<OnFailure>,
    /// Where it stands.
    pub place: Place,
}

/// One entry of `components.shadow`: a component that is tried beside the active one of its type, under the active one's
/// settings, limits and artefact.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The type it serves.
    pub serves: String,
    /// The file, resolved against the configuration file's folder.
    pub source: PathBuf,
    /// `sha256:` and 64 hex digits that the file must have.
    pub digest: Option<String>,
    /// Capabilities it may use; `None` grants those of the active component.
    pub grants: Option<Vec<String>>,
    /// Share of the requests, 0 to 100, on which it runs off the reply path; all unless set.
    pub percent: f64,
    /// Share of the requests, 0 to 100, that it decides; none unless set.
    pub canary: f64,
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
