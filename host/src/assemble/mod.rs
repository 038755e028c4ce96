//! From a configuration file to a snapshot that can be served, the same way for every command.

mod artefacts;
mod capabilities;
mod diagnostics;
mod values;

use crate::exit::Failure;
use anyhow::Context as _;
use capabilities::{Counted, Lines, Model};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_components::{CacheDir, Capabilities, Embed, Engine, EngineOptions, NoModel, SystemClock};
use trackside_config::{self as config, Loaded, ProcessEnvironment, Report, Resolved};
use trackside_inference::{Embedder as _, Encoder, Fingerprint, Limits, Workers};
use trackside_routing::{self as routing, Snapshot};
use trackside_store::{self as store, KeyValue};
use trackside_telemetry::Metrics;
use values::Values;

/// The configuration that is served when nobody brings one.
const BUILT_IN: &str = include_str!("../../../config/router.yaml");

/// Reads a configuration file, or the built-in one.
pub(crate) fn load(file: Option<&Path>) -> Result<Loaded, Failure> {
    match file {
        Some(file) => config::load(file, &ProcessEnvironment).map_err(Failure::unavailable),
        None => Ok(config::parse("built-in router.yaml", BUILT_IN, Path::new("."), &ProcessEnvironment)),
    }
}

/// What outlives a configuration: the engine with its capabilities, and the model behind them.
#[derive(Debug)]
pub(crate) struct Workshop {
    engine: Engine,
    model: Option<Loading>,
    metrics: Arc<Metrics>,
}

/// The model that was loaded, for people.
#[derive(Debug)]
struct Loading {
    directory: PathBuf,
    fingerprint: Fingerprint,
}

/// A configuration that can be served.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) snapshot: Snapshot,
    pub(crate) config: Resolved,
}

/// A configuration, checked to the end.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// What can be served, with the configuration that it was built from; absent when the report has errors.
    pub(crate) ready: Option<Ready>,
    /// Everything there is to say.
    pub(crate) report: Report,
    /// The text that the report points into.
    pub(crate) source: config::Source,
}

impl Workshop {
    /// Starts the engine, with the model of a directory behind its embeddings, or without one.
    pub(crate) fn open(model: Option<&Path>, metrics: &Arc<Metrics>) -> Result<Self, Failure> {
        let (embed, model): (Arc<dyn Embed>, _) = match model {
            None => (Arc::new(NoModel), None),
            Some(directory) => {
                let encoder = Encoder::load(directory).map_err(|error| {
                    Failure::unavailable(anyhow::Error::new(error).context("the model cannot be loaded"))
                })?;
                let fingerprint = encoder.fingerprint().clone();
                let workers =
                    Workers::start(Arc::new(encoder), Limits::default()).context("no threads for the model")?;
                (Arc::new(Model(workers)), Some(Loading { directory: directory.to_owned(), fingerprint }))
            }
        };
        let capabilities = Capabilities {
            embed,
            key_value: Arc::new(Values(KeyValue::new(store::Limits::default()))),
            log: Arc::new(Lines(Arc::clone(metrics))),
            metrics: Arc::new(Counted(Arc::clone(metrics))),
            clock: Arc::new(SystemClock::default()),
        };
        let cache = CacheDir::of_user().inspect_err(|error| {
            tracing::warn!(event = "no_code_cache", %error, "components are compiled at every start");
        });
        let options = EngineOptions { cache: cache.ok(), ..EngineOptions::default() };
        let engine = Engine::new(options, capabilities).context("no engine for components")?;
        Ok(Self { engine, model, metrics: Arc::clone(metrics) })
    }

    /// Checks a configuration to the end, components and their settings included, and builds what can be served.
    pub(crate) async fn assemble(&self, loaded: Loaded, generation: u64) -> Assembled {
        let Loaded { config, mut report, source } = loaded;
        let Some(config) = config else { return Assembled { ready: None, report, source } };
        let registry = artefacts::registry(&self.engine, &config, &mut report).await;
        config.check_abilities(&registry.abilities(), &mut report);
        let metrics = Arc::clone(&self.metrics);
        let built = routing::build(&config, &registry, metrics, generation, &mut report).await;
        let ready = built.filter(|_| report.is_ok()).map(|snapshot| {
            self.metrics.know_models(model_names(&config.resolved));
            Ready { snapshot, config: config.resolved }
        });
        Assembled { ready, report, source }
    }

    /// Tells in the log what is about to be served, and how domains are told apart.
    pub(crate) fn introduce(&self, source: &config::Source) {
        let domains = if self.model.is_some() { "model" } else { "lexical" };
        let directory = self.model.as_ref().map(|model| model.directory.display().to_string());
        let fingerprint = self.model.as_ref().map(|model| model.fingerprint.as_str());
        tracing::info!(
            event = "starting",
            version = env!("CARGO_PKG_VERSION"),
            config = source.name,
            domains,
            model = directory,
            fingerprint,
        );
    }
}

/// Every name that a metric may show as a model.
fn model_names(config: &Resolved) -> Vec<String> {
    let models = config.models.iter().flat_map(|model| {
        let adapters = model.adapters.iter().map(|adapter| adapter.name.clone());
        adapters.chain([model.name.clone()]).chain(model.provider_model_id.clone())
    });
    models.chain(config.auto_model_names.iter().cloned()).collect()
}
