//! What a stream pins.

use super::artefacts::Served;
use super::domains::Domains;
use super::embeddings::Embeddings;
use crate::material::Material;
use std::collections::BTreeMap;
use std::sync::Arc;
use trackside_config::Config;
use trackside_routing::Snapshot;

/// Configuration, components and models of one generation, frozen together.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) snapshot: Snapshot,
    pub(crate) config: Arc<Config>,
    pub(crate) domains: Domains,
    pub(crate) embeddings: Arc<Embeddings>,
    pub(crate) material: Arc<Material>,
    /// The components at hand by the type they serve.
    pub(crate) served: Arc<BTreeMap<String, Served>>,
}

impl Generation {
    /// The number that requests are stamped with, from 1.
    pub(crate) fn id(&self) -> u64 {
        self.snapshot.generation()
    }

    /// Tells in the log what is about to be served, and what embeds.
    pub(crate) fn introduce(&self) {
        let about = &self.embeddings.about;
        tracing::info!(
            event = "starting",
            version = env!("CARGO_PKG_VERSION"),
            config = self.material.config().name,
            model = about.name,
            architecture = %about.architecture,
            precision = %about.precision,
            instructions = %about.instructions,
            fingerprint = self.embeddings.fingerprint(),
        );
    }
}
