//! The domains of a request with all their probabilities, those under the threshold included.

use serde_json::json;
use std::sync::Arc;
use tokio::sync::OnceCell;
use trackside_config::{Config, Report, SignalRules};
use trackside_routing::{Incoming, Probe, ProbeError, Registry, SignalRecord};

/// The signal that tells domains.
const DOMAIN: &str = "domain";

/// The domain component of a configuration, set to report every domain. It is configured when it is asked for the first
/// time: few ask.
#[derive(Debug)]
pub(crate) struct Domains {
    config: Arc<Config>,
    registry: Registry,
    probe: OnceCell<Option<Probe>>,
}

impl Domains {
    pub(super) fn new(config: Arc<Config>, registry: Registry) -> Self {
        Self { config, registry, probe: OnceCell::new() }
    }

    /// What the component says of each declared domain, the likeliest first; nothing when none is declared.
    ///
    /// # Errors
    /// Says why the request cannot be judged.
    pub(crate) async fn judge(&self, incoming: Incoming) -> Result<Vec<SignalRecord>, ProbeError> {
        let Some(probe) = self.probe.get_or_init(|| self.probe()).await else { return Ok(Vec::new()) };
        let mut found = probe.evaluate(incoming).await?;
        found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        Ok(found)
    }

    /// The snapshot has been built with the same component, so what there is to say about it has been said.
    async fn probe(&self) -> Option<Probe> {
        let mut declared = self.config.resolved.signals.get(DOMAIN)?.clone();
        let SignalRules { module, .. } = &mut declared;
        if let Some(module) = module.as_object_mut() {
            module.insert("threshold".to_owned(), json!(0.0));
        }
        trackside_routing::probe(DOMAIN, &declared, &self.config, &self.registry, &mut Report::default()).await
    }
}
