//! What outlives a configuration, and what is made of one with it.

use super::artefacts::{self, Shelf};
use super::capabilities::{Counted, Lines};
use super::domains::Domains;
use super::embeddings::Embeddings;
use super::generation::Generation;
use super::known::Known;
use super::model::{ModelChoice, Models};
use super::values::Values;
use super::vectors::Native;
use crate::exit::Failure;
use crate::material::{Material, Reading, Stamps, Text};
use crate::user_cache;
use anyhow::Context as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use trackside_components::{
    CacheDir, Capabilities, Compiler, Component, Digest, Embed, Engine, EngineOptions, LoadError, SystemClock,
};
use trackside_config::{self as config, Config, Declared, Loaded, Report, Resolved};
use trackside_routing::{self as routing, Build, Carried};
use trackside_store::{self as store, KeyValue};
use trackside_telemetry::{EmbeddingCounts, Metrics};

/// The engine with its capabilities, and what is in memory of earlier configurations.
#[derive(Debug)]
pub(crate) struct Workshop {
    engine: Engine,
    models: Models,
    known: Arc<Known>,
    carried: Carried,
    stamps: Arc<Stamps>,
    metrics: Arc<Metrics>,
    /// The model whose counts are shown.
    shown: Arc<Mutex<Weak<Embeddings>>>,
}

/// A configuration, checked to the end.
#[derive(Debug)]
pub(crate) struct Assembled {
    /// What can be served; nothing can when the report has errors.
    pub(crate) made: Result<Generation, Flaw>,
    /// Everything there is to say.
    pub(crate) report: Report,
    /// The text that the report points into.
    pub(crate) source: config::Source,
}

/// Why a configuration cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It, or something that it names, is wrong.
    Invalid,
    /// A component did not do what it should when it was tried.
    Failing,
}

/// A configuration with everything that it names.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Absent when the text is no configuration, or its model cannot be had.
    parts: Option<Parts>,
    pub(crate) report: Report,
    pub(crate) source: config::Source,
}

#[derive(Debug)]
struct Parts {
    config: Config,
    shelf: Shelf,
    embeddings: Arc<Embeddings>,
    material: Material,
}

impl Gathered {
    /// What it was gathered from; nothing where the report has errors.
    pub(crate) fn material(&self) -> Option<&Material> {
        self.parts.as_ref().filter(|_| self.report.is_ok()).map(|parts| &parts.material)
    }

    /// The configuration, as far as it could be read.
    pub(crate) fn config(&self) -> Option<&Config> {
        self.parts.as_ref().map(|parts| &parts.config)
    }

    /// Everything there is to say, and the configuration that it is about.
    pub(crate) fn checked(&mut self, check: impl FnOnce(&Config, &mut Report)) {
        if let Some(parts) = &self.parts {
            check(&parts.config, &mut self.report);
        }
    }
}

impl Workshop {
    /// Starts the engine. `compiler` is where components are compiled once requests are served.
    pub(crate) fn open(choice: &ModelChoice, compiler: Compiler, metrics: &Arc<Metrics>) -> Result<Self, Failure> {
        let shown: Arc<Mutex<Weak<Embeddings>>> = Arc::default();
        metrics.watch_embeddings({
            let shown = Arc::clone(&shown);
            move || counts(&shown)
        });
        let capabilities = Capabilities {
            vectors: Arc::new(Native),
            key_value: Arc::new(Values(KeyValue::new(store::Limits::default()))),
            log: Arc::new(Lines(Arc::clone(metrics))),
            metrics: Arc::new(Counted(Arc::clone(metrics))),
            clock: Arc::new(SystemClock::default()),
        };
        let cache = code_cache().inspect_err(|error| {
            tracing::warn!(event = "no_code_cache", %error, "components are compiled at every start");
        });
        let options = EngineOptions { cache: cache.ok(), compiler, ..EngineOptions::default() };
        let engine = Engine::new(options, capabilities).context("no engine for components")?;
        metrics.watch_instances({
            let engine = engine.clone();
            move || engine.instances()
        });
        Ok(Self {
            engine,
            models: Models::new(choice),
            known: Arc::new(Known::new(metrics)),
            carried: Carried::default(),
            stamps: Arc::default(),
            metrics: Arc::clone(metrics),
            shown,
        })
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Which files are known.
    pub(crate) fn stamps(&self) -> &Arc<Stamps> {
        &self.stamps
    }

    /// Loads a component apart from any configuration. Blocks for up to seconds.
    ///
    /// # Errors
    /// Says what in the component does not fit.
    pub(crate) fn load(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        self.known.load(&self.engine, wasm)
    }

    /// Whether the component or the artefact with this digest is in memory.
    pub(crate) fn knows(&self, digest: Digest) -> bool {
        self.known.component(digest).is_some() || self.known.artefact(digest).is_some()
    }

    /// What the components of a configuration, the built-in ones among them, declare about their settings.
    pub(crate) async fn declared(&self, config: &Config, report: &mut Report) -> Declared {
        let reading = Arc::new(Reading::disk(&self.stamps));
        artefacts::shelf(&self.engine, &self.known, &reading, config, report).await.registry.declared()
    }

    /// Checks a configuration to the end, components and their settings included, and builds what can be served.
    ///
    /// # Errors
    /// When the model that the command line names, or the one inside the program, cannot be used.
    pub(crate) async fn assemble(&self, loaded: Loaded, generation: u64) -> Result<Assembled, Failure> {
        let reading = Arc::new(Reading::disk(&self.stamps));
        let gathered = self.gather(loaded, &reading).await?;
        Ok(self.build(gathered, generation).await)
    }

    /// Reads and loads everything that a configuration names. Opening a model blocks.
    ///
    /// # Errors
    /// As [`Workshop::assemble`].
    pub(crate) async fn gather(&self, loaded: Loaded, reading: &Arc<Reading>) -> Result<Gathered, Failure> {
        let text = Text::of(&loaded);
        let Loaded { config, mut report, source, base_dir: _ } = loaded;
        let Some(config) = config else { return Ok(Gathered { parts: None, report, source }) };
        let embeddings = self.models.open(&config, reading, &mut report)?;
        let shelf = artefacts::shelf(&self.engine, &self.known, reading, &config, &mut report).await;
        config.check_abilities(&shelf.registry.abilities(), &mut report);
        let parts = embeddings.map(|embeddings| {
            let material = Material::new(text, reading, embeddings.material());
            Parts { config, shelf, embeddings, material }
        });
        Ok(Gathered { parts, report, source })
    }

    /// Gives every component its settings, where an earlier snapshot has not done so already, and tries what is new.
    pub(crate) async fn build(&self, gathered: Gathered, generation: u64) -> Assembled {
        let Gathered { parts, mut report, source } = gathered;
        let Some(Parts { config, shelf, embeddings, material }) = parts else {
            return Assembled { made: Err(Flaw::Invalid), report, source };
        };
        let embed: Arc<dyn Embed> = embeddings.clone();
        let build = Build {
            config: &config,
            registry: &shelf.registry,
            embed,
            carried: &self.carried,
            metrics: Arc::clone(&self.metrics),
            generation,
        };
        let built = routing::build(build, &mut report).await.filter(|_| report.is_ok());
        let Some(snapshot) = built else {
            return Assembled { made: Err(Flaw::Invalid), report, source };
        };
        snapshot.probe(&config, &mut report).await;
        if !report.is_ok() {
            return Assembled { made: Err(Flaw::Failing), report, source };
        }
        let config = Arc::new(config);
        let Shelf { registry, served } = shelf;
        let domains = Domains::new(&config, registry, &embeddings, &self.carried, &self.metrics);
        let (material, served) = (Arc::new(material), Arc::new(served));
        let made = Generation { snapshot, config, domains, embeddings, material, served };
        Assembled { made: Ok(made), report, source }
    }

    /// Metrics show the names and the model of a configuration from now on.
    pub(crate) fn show(&self, config: &Config, embeddings: &Arc<Embeddings>) {
        self.metrics.know_models(model_names(&config.resolved));
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(embeddings);
    }

    /// Forgets what was loaded for other configurations than the one of this material.
    pub(crate) fn keep_only(&self, material: &Material) {
        let wanted = material.digests();
        self.known.retain(|digest: Digest| wanted.contains(&digest));
        self.stamps.retain(|path| material.file(path).is_some());
    }
}

fn code_cache() -> anyhow::Result<CacheDir> {
    Ok(CacheDir::open(user_cache::folder("code-v1")?)?)
}

/// What the threads of the model count.
fn counts(shown: &Mutex<Weak<Embeddings>>) -> EmbeddingCounts {
    let model = shown.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
    model.map(|model| model.counted()).unwrap_or_default()
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
