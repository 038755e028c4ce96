//! The domains of a request with all their probabilities, those under the threshold included.

use super::embeddings::Embeddings;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;
use trackside_components::Role;
use trackside_config::{Config, Report, SignalRules};
use trackside_routing::{Build, Carried, Incoming, Registry, SignalRecord, Single, SingleError};
use trackside_telemetry::Metrics;

/// The signal that tells domains.
const DOMAIN: &str = "domain";

/// The domain component of each profile, set to report every domain. It is configured when it is asked for the first time:
/// few ask.
#[derive(Debug)]
pub(crate) struct Domains {
    config: Arc<Config>,
    registry: Registry,
    embeddings: Arc<Embeddings>,
    carried: Carried,
    metrics: Arc<Metrics>,
    /// By profile.
    singles: BTreeMap<String, OnceCell<Option<Single>>>,
}

impl Domains {
    pub(super) fn new(
        config: &Arc<Config>,
        registry: Registry,
        embeddings: &Arc<Embeddings>,
        carried: &Carried,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let names = config.resolved.profiles.iter().map(|profile| profile.name.clone());
        Self {
            config: Arc::clone(config),
            // A registry holds the machine code of all components, used or not.
            registry: registry.only(Role::Signal, DOMAIN),
            embeddings: Arc::clone(embeddings),
            carried: carried.clone(),
            metrics: Arc::clone(metrics),
            singles: names.map(|name| (name, OnceCell::new())).collect(),
        }
    }

    /// What the component says of each domain that a profile declares, the likeliest first; nothing when it declares none.
    ///
    /// # Errors
    /// Says why the request cannot be judged.
    pub(crate) async fn judge(&self, profile: &str, incoming: Incoming) -> Result<Vec<SignalRecord>, SingleError> {
        let Some(cell) = self.singles.get(profile) else { return Ok(Vec::new()) };
        let Some(single) = cell.get_or_init(|| self.single(profile)).await else { return Ok(Vec::new()) };
        let mut found = single.evaluate(incoming).await?;
        found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        Ok(found)
    }

    /// The snapshot has been built with the same component, so what there is to say about it has been said.
    async fn single(&self, profile: &str) -> Option<Single> {
        let mut declared = self.config.resolved.profile(profile)?.signals.get(DOMAIN)?.clone();
        let SignalRules { module, .. } = &mut declared;
        if let Some(module) = module.as_object_mut() {
            module.insert("threshold".to_owned(), json!(0.0));
        }
        let build = Build {
            config: &self.config,
            registry: &self.registry,
            embed: self.embeddings.clone(),
            carried: &self.carried,
            metrics: Arc::clone(&self.metrics),
            // It routes nothing, so no request is stamped with this.
            generation: 0,
        };
        trackside_routing::single(DOMAIN, &declared, build, &mut Report::default()).await
    }
}
