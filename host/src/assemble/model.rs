//! Which model embeds: the one that the command line names, else the one that the configuration names, else the one
//! inside the program. A model that is in memory is used again.

use super::diagnostics;
use super::embeddings::Embeddings;
use super::pulled::{HubName, PulledModels};
use crate::exit::Failure;
use crate::material::{FolderStamp, ModelMaterial, ModelSetup, Reading};
use anyhow::{Context as _, anyhow};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use trackside_config::{self as config, Config, EmbeddingModel, Report};
use trackside_inference::{Embedder as _, Encoder, Engine, Limits, Options, Precision, Workers};

/// What the command line says about the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelChoice {
    /// A folder, or the name of a model that was pulled.
    pub(crate) model: Option<String>,
    /// Goes before the configuration's.
    pub(crate) precision: Option<Precision>,
}

/// The models in memory. Each lives as long as somebody embeds with it.
#[derive(Debug)]
pub(super) struct Models {
    choice: ModelChoice,
    alive: Mutex<Vec<(ModelSetup, Weak<Embeddings>)>>,
}

impl Models {
    pub(super) fn new(choice: &ModelChoice) -> Self {
        Self { choice: choice.clone(), alive: Mutex::default() }
    }

    /// The model for a configuration. What is wrong with the configuration's own goes into the report, and the model
    /// inside the program stands in for it; where an earlier generation's cannot be had again, there is none.
    ///
    /// # Errors
    /// When the model of the command line, or the one inside the program, cannot be used.
    pub(super) fn open(
        &self,
        config: &Config,
        reading: &Reading,
        report: &mut Report,
    ) -> Result<Option<Arc<Embeddings>>, Failure> {
        if let Some(earlier) = reading.model() {
            return Ok(self.again(earlier, report));
        }
        let options = Options { precision: self.precision(config, report)?, ..Options::default() };
        let cut = cut(options, &config.resolved.embedding);
        if let Some(model) = &self.choice.model {
            let folder = find(model).map_err(Failure::unavailable)?;
            reading.watch_folder(&folder);
            let opened = self.in_folder(&folder, cut).with_context(|| format!("the model {model:?} cannot be used"));
            return opened.map(Some).map_err(Failure::unavailable);
        }
        if let Some(folder) = folder_of(config, reading, report) {
            match self.in_folder(&folder, cut) {
                Ok(model) => return Ok(Some(model)),
                Err(error) => diagnostics::unusable_model(&folder, &error, config, report),
            }
        }
        // The configuration's dimensions and layers are those of the model that it names, which this is not.
        let opened = self.get(ModelSetup { folder: None, options }, || Ok(Encoder::embedded(&options)?));
        opened.context("the embedded model cannot be used").map(Some).map_err(Failure::unavailable)
    }

    fn in_folder(&self, folder: &Path, options: Options) -> anyhow::Result<Arc<Embeddings>> {
        let setup = ModelSetup { folder: Some((folder.to_owned(), FolderStamp::of(folder))), options };
        self.get(setup, || Ok(Encoder::load(folder, &options)?))
    }

    /// The model of an earlier generation, from memory or from files that are as they were then.
    fn again(&self, earlier: &ModelMaterial, report: &mut Report) -> Option<Arc<Embeddings>> {
        if let Some(model) = self.find(|_, model| model.fingerprint() == &*earlier.fingerprint) {
            return Some(model);
        }
        let ModelSetup { folder, options } = &earlier.setup;
        let opened = match folder {
            None => self.get(earlier.setup.clone(), || Ok(Encoder::embedded(options)?)),
            Some((folder, stamp)) if FolderStamp::of(folder) == *stamp => {
                self.get(earlier.setup.clone(), || Ok(Encoder::load(folder, options)?))
            }
            Some(_) => Err(anyhow!("its files have changed since, and it is no longer in memory")),
        };
        let opened = opened.and_then(|model| match model.fingerprint() == &*earlier.fingerprint {
            true => Ok(model),
            false => Err(anyhow!("it is another model than it was then")),
        });
        opened.map_err(|error| diagnostics::model_gone(folder.as_ref().map(|(f, _)| f.as_path()), &error, report)).ok()
    }

    /// The model of a set-up, from memory if it is there. One that turns out to be in memory already, as its files were
    /// only touched, is dropped again.
    fn get(
        &self,
        setup: ModelSetup,
        load: impl FnOnce() -> anyhow::Result<Encoder>,
    ) -> anyhow::Result<Arc<Embeddings>> {
        if let Some(model) = self.find(|held, _| *held == setup) {
            return Ok(model);
        }
        let encoder = load()?;
        let fingerprint = encoder.fingerprint().clone();
        let model = match self.find(|_, model| model.fingerprint() == fingerprint.as_str()) {
            Some(model) => model,
            None => {
                let about = encoder.about().clone();
                let limits = Limits::default();
                let workers = Workers::start(Arc::new(encoder), limits).context("no threads for the model")?;
                Arc::new(Embeddings { workers, about, threads: limits.threads.get(), setup: setup.clone() })
            }
        };
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|(_, model)| model.strong_count() > 0);
        alive.push((setup, Arc::downgrade(&model)));
        Ok(model)
    }

    fn find(&self, is: impl Fn(&ModelSetup, &Embeddings) -> bool) -> Option<Arc<Embeddings>> {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.iter().find_map(|(setup, model)| model.upgrade().filter(|model| is(setup, model)))
    }

    /// The precision to compute with, which this machine has: the command line's, or else the configuration's.
    fn precision(&self, config: &Config, report: &mut Report) -> Result<Precision, Failure> {
        if let Some(precision) = self.choice.precision {
            Engine::choose(precision, None).map_err(Failure::unavailable)?;
            return Ok(precision);
        }
        let wanted = match config.resolved.embedding.precision {
            config::Precision::Auto => Precision::Auto,
            config::Precision::Int8 => Precision::Int8,
            config::Precision::Bf16 => Precision::Bf16,
            config::Precision::Fp32 => Precision::Fp32,
        };
        Ok(Engine::choose(wanted, None).map_or_else(
            |error| {
                diagnostics::no_precision(&error, config, report);
                Precision::Auto
            },
            |_| wanted,
        ))
    }
}

/// The folder of the configuration's own model, if it names one that is there.
fn folder_of(config: &Config, reading: &Reading, report: &mut Report) -> Option<PathBuf> {
    let wanted = &config.resolved.embedding;
    wanted.path.as_ref().inspect(|path| reading.watch_folder(path));
    let place = wanted.place.as_ref()?;
    let folder = wanted.path.clone().filter(|path| path.is_dir());
    if folder.is_none() {
        diagnostics::absent_model(wanted, place, config, report);
    }
    folder
}

/// Only as much of the model as the configuration wants.
fn cut(options: Options, wanted: &EmbeddingModel) -> Options {
    Options { dimensions: wanted.target_dimension, layers: wanted.target_layer, ..options }
}

/// The folder of a model that somebody named.
pub(crate) fn find(model: &str) -> anyhow::Result<PathBuf> {
    if Path::new(model).is_dir() {
        return Ok(model.into());
    }
    let no_folder = || format!("there is no folder {model:?}");
    let name: HubName = model.parse().with_context(no_folder)?;
    let folder = PulledModels::of_user()?.folder(&name);
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(anyhow!("{}, and no model of this name was pulled: `trackside model pull {name}` gets it", no_folder()))
}
