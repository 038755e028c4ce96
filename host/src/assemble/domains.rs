//! The domains of a request with all their probabilities, those under the threshold included.

use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;
use trackside_components::Role;
use trackside_config::{Config, Report, SignalRules};
use trackside_routing::{Incoming, Probe, ProbeError, Registry, SignalRecord};

/// The signal that tells domains.
const DOMAIN: &str = "domain";

/// The domain component of each profile, set to report every domain. It is configured when it is asked for the first time:
/// few ask.
#[derive(Debug)]
pub(crate) struct Domains {
    config: Arc<Config>,
    registry: Registry,
    /// By profile.
    probes: BTreeMap<String, OnceCell<Option<Probe>>>,
}

impl Domains {
    pub(super) fn new(config: Arc<Config>, registry: Registry) -> Self {
        let names = config.resolved.profiles.iter().map(|profile| profile.name.clone());
        let probes = names.map(|name| (name, OnceCell::new())).collect();
        // A registry holds the machine code of all components, used or not.
        Self { config, registry: registry.only(Role::Signal, DOMAIN), probes }
    }

    /// What the component says of each domain that a profile declares, the likeliest first; nothing when it declares none.
    ///
    /// # Errors
    /// Says why the request cannot be judged.
    pub(crate) async fn judge(&self, profile: &str, incoming: Incoming) -> Result<Vec<SignalRecord>, ProbeError> {
        let Some(cell) = self.probes.get(profile) else { return Ok(Vec::new()) };
        let Some(probe) = cell.get_or_init(|| self.probe(profile)).await else { return Ok(Vec::new()) };
        let mut found = probe.evaluate(incoming).await?;
        found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        Ok(found)
    }

    /// The snapshot has been built with the same component, so what there is to say about it has been said.
    async fn probe(&self, profile: &str) -> Option<Probe> {
        let mut declared = self.config.resolved.profile(profile)?.signals.get(DOMAIN)?.clone();
        let SignalRules { module, .. } = &mut declared;
        if let Some(module) = module.as_object_mut() {
            module.insert("threshold".to_owned(), json!(0.0));
        }
        trackside_routing::probe(DOMAIN, &declared, &self.config, &self.registry, &mut Report::default()).await
    }
}
