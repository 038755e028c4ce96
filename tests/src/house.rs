//! Envoy, Trackside and model servers, wired together: what a test's stage stands on.

use crate::{
    bootstrap::Backends,
    envoy::{Envoy, MISTAKES},
    mode::{MODES, Mode},
    plugin::Plugin,
    router::Trackside,
    upstream::{Seen, Upstream},
};
use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What a house is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    pub config: PathBuf,
    /// More flags for the router.
    pub flags: Vec<OsString>,
    /// Models that get a route and a model server of their own.
    pub routes: Vec<&'static str>,
    /// Envoy's listeners.
    pub modes: Vec<Mode>,
}

impl Plan {
    /// A router with this configuration behind a listener per pair of body modes.
    pub fn new(config: &Path, routes: &[&'static str]) -> Plan {
        Plan { config: config.to_owned(), flags: Vec::new(), routes: routes.to_vec(), modes: MODES.to_vec() }
    }

    /// The same with more flags for the router.
    #[must_use]
    pub fn with_flags<F: Into<OsString>>(self, flags: impl IntoIterator<Item = F>) -> Plan {
        Plan { flags: flags.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same with other listeners.
    #[must_use]
    pub fn with_modes(self, modes: impl IntoIterator<Item = Mode>) -> Plan {
        Plan { modes: modes.into_iter().collect(), ..self }
    }
}

/// All processes of a stage.
#[derive(Debug)]
pub struct House {
    pub envoy: Envoy,
    pub trackside: Trackside,
    pub upstream: Upstream,
    _plugin: Plugin,
    models: Vec<&'static str>,
    cases: AtomicUsize,
    /// Mistakes of the processor that a test has already been told of, by listener.
    told: Mutex<HashMap<String, [u64; 4]>>,
}

impl House {
    /// Puts up everything around a router. `None` when something is not installed and the test is to be skipped.
    pub(crate) async fn around(trackside: Trackside, plan: &Plan) -> Option<House> {
        let upstream = Upstream::start(plan.routes.len() + 1).await;
        let plugin = Plugin::start().await;
        let by_model = plan.routes.iter().enumerate();
        let backends = Backends {
            extproc: trackside.extproc,
            plugin: plugin.address,
            default: upstream.address(0),
            by_model: by_model.map(|(index, model)| ((*model).to_owned(), upstream.address(index + 1))).collect(),
        };
        let envoy = Envoy::start(&backends, &plan.modes).await?;
        let models = plan.routes.clone();
        let (cases, told) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
        Some(House { envoy, trackside, upstream, _plugin: plugin, models, cases, told })
    }

    /// A name for a request that no other one of this house has.
    pub(crate) fn case(&self) -> String {
        self.cases.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// The model that the route belongs to by which a request came, or `default`.
    pub(crate) fn route(&self, seen: &Seen) -> String {
        let route = self.models.iter().enumerate().find(|(index, _)| self.upstream.address(index + 1) == seen.at);
        route.map_or_else(|| "default".to_owned(), |(_, model)| (*model).to_owned())
    }

    /// What Envoy counted as mistakes of the processor on one listener, and no test has been told of yet.
    pub(crate) fn new_mistakes(&self, mode: &str) -> Vec<(&'static str, u64)> {
        let names = MISTAKES.map(|name| format!("ext_proc.{name}"));
        let counted = self.envoy.counters(mode, names.each_ref().map(String::as_str));
        let before = self.told.lock().unwrap().insert(mode.to_owned(), counted).unwrap_or_default();
        let new =
            MISTAKES.into_iter().zip(counted.into_iter().zip(before)).map(|(name, (now, then))| (name, now - then));
        new.filter(|(_, count)| *count > 0).collect()
    }
}
