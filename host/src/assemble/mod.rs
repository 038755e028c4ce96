//! From a configuration file to a snapshot that can be served, the same way for every command.

mod artefacts;
mod capabilities;
mod diagnostics;
mod domains;
mod model;
mod pulled;
mod values;
mod vectors;

pub(crate) use domains::Domains;
pub(crate) use model::{ModelChoice, find};
pub(crate) use pulled::{HubName, PulledModels};

use crate::exit::Failure;
use anyhow::Context as _;
use capabilities::{Counted, Lines, Model};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use trackside_components::{CacheDir, Capabilities, Engine, EngineOptions, SystemClock};
use trackside_config::{self as config, Config, Declared, Loaded, ProcessEnvironment, Report, Resolved};
use trackside_inference::{About, Limits, Workers};
use trackside_routing::{self as routing, Snapshot};
use trackside_store::{self as store, KeyValue};
use trackside_telemetry::Metrics;
use values::Values;
use vectors::Native;

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
    embeddings: Embeddings,
    metrics: Arc<Metrics>,
}

/// The model at work, for everybody who embeds.
#[derive(Clone, Debug)]
pub(crate) struct Embeddings {
    pub(crate) workers: Arc<Workers>,
    pub(crate) about: About,
    /// How many texts are embedded at once.
    pub(crate) threads: usize,
}

/// A configuration that can be served.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) snapshot: Snapshot,
    pub(crate) config: Arc<Config>,
    pub(crate) domains: Domains,
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
    /// Starts the engine, with the model that the command line or the configuration chooses behind its embeddings.
    pub(crate) fn open(choice: &ModelChoice, loaded: &mut Loaded, metrics: &Arc<Metrics>) -> Result<Self, Failure> {
        let encoder = model::open(choice, loaded.config.as_ref(), &mut loaded.report)?;
        let about = encoder.about().clone();
        let limits = Limits::default();
        let threads = limits.threads.get();
        let workers = Workers::start(Arc::new(encoder), limits).context("no threads for the model")?;
        let workers = Arc::new(workers);
        metrics.watch_embeddings({
            let workers = Arc::clone(&workers);
            move || capabilities::counted(workers.counts())
        });
        let capabilities = Capabilities {
            embed: Arc::new(Model(Arc::clone(&workers))),
            vectors: Arc::new(Native),
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
        metrics.watch_instances({
            let engine = engine.clone();
            move || engine.instances()
        });
        Ok(Self { engine, embeddings: Embeddings { workers, about, threads }, metrics: Arc::clone(metrics) })
    }

    /// The model.
    pub(crate) fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// What the components of a configuration, the built-in ones among them, declare about their settings.
    pub(crate) async fn declared(&self, config: &Config, report: &mut Report) -> Declared {
        artefacts::registry(&self.engine, config, report).await.declared()
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
            let config = Arc::new(config);
            Ready { snapshot, domains: Domains::new(Arc::clone(&config), registry), config }
        });
        Assembled { ready, report, source }
    }

    /// Tells in the log what is about to be served, and what embeds.
    pub(crate) fn introduce(&self, source: &config::Source) {
        let about = &self.embeddings.about;
        tracing::info!(
            event = "starting",
            version = env!("CARGO_PKG_VERSION"),
            config = source.name,
            model = about.name,
            architecture = %about.architecture,
            precision = %about.precision,
            instructions = %about.instructions,
            fingerprint = self.embeddings.workers.embedder().fingerprint().as_str(),
        );
    }
}

impl Embeddings {
    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "model": self.about.name,
            "architecture": self.about.architecture.to_string(),
            "dimensions": self.about.dimensions,
            "precision": self.about.precision.to_string(),
            "instructions": self.about.instructions.to_string(),
            "fingerprint": self.workers.embedder().fingerprint().as_str(),
        })
    }
}

impl fmt::Display for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { name, architecture, precision, instructions, .. } = &self.about;
        write!(f, "{name} ({architecture}, {precision}, {instructions})")
    }
}

/// Every name that a metric may show as a model.
fn model_names(config: &Resolved) -> Vec<String> {
    let models = config.models.iter().flat_map(|model| {
        let adapters = model.adapters.iter().map(|adapter| adapter.name.clone());
        adapters.chain([model.name.clone()]).chain(model.provider_model_id.clone())
    });
    let entrypoints = config.entrypoints.iter().map(|entrypoint| entrypoint.model_name.clone());
    models.chain(config.auto_model_names.iter().cloned()).chain(entrypoints).collect()
}
