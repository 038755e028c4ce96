//! Which model embeds: the one that the command line names, else the one that the configuration names, else the one
//! inside the program.

use super::pulled::{HubName, PulledModels};
use crate::exit::Failure;
use anyhow::{Context as _, anyhow};
use std::path::{Path, PathBuf};
use trackside_config::{self as config, Code, Config, Diagnostic, EmbeddingModel, Place, Report, Step};
use trackside_inference::{Encoder, Engine, Options, Precision};

/// The configured model is there and cannot be used.
const UNUSABLE: Code = Code("E0421");
/// This machine cannot compute with the configured precision.
const NO_PRECISION: Code = Code("E0422");
/// The configured model is not there: the one inside the program serves.
const ABSENT: Code = Code("W0421");

const PRECISION: [&str; 6] = ["global", "model_catalog", "embeddings", "semantic", "embedding_config", "precision"];

/// What the command line says about the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelChoice {
    /// A folder, or the name of a model that was pulled.
    pub(crate) model: Option<String>,
    /// Goes before the configuration's.
    pub(crate) precision: Option<Precision>,
}

/// Opens the model. What is wrong with the configuration's goes into the report, and the model inside the program stands
/// in for it.
pub(super) fn open(choice: &ModelChoice, config: Option<&Config>, report: &mut Report) -> Result<Encoder, Failure> {
    let options = Options { precision: precision(choice, config, report)?, ..Options::default() };
    if let Some(model) = &choice.model {
        let folder = find(model).map_err(Failure::unavailable)?;
        let wanted = config.map(|config| &config.resolved.embedding);
        let loaded = Encoder::load(&folder, &wanted.map_or(options, |wanted| cut(options, wanted)));
        let loaded = loaded.with_context(|| format!("the model {model:?} cannot be used"));
        return loaded.map_err(Failure::unavailable);
    }
    if let Some(encoder) = config.and_then(|config| configured(config, options, report)) {
        return Ok(encoder);
    }
    // The configuration's dimensions and layers are those of the model that it names, which this is not.
    Encoder::embedded(&options).context("the embedded model cannot be used").map_err(Failure::unavailable)
}

/// The configuration's own model, if it names one that is there.
fn configured(config: &Config, options: Options, report: &mut Report) -> Option<Encoder> {
    let wanted = &config.resolved.embedding;
    let span = config.span(wanted.place.as_ref()?);
    let Some(folder) = wanted.path.as_ref().filter(|path| path.is_dir()) else {
        report.push(absent(wanted).at(span));
        return None;
    };
    Encoder::load(folder, &cut(options, wanted))
        .map_err(|error| {
            let message = format!("the embedding model {} cannot be used: {:#}", folder.display(), anyhow!(error));
            report.push(Diagnostic::error(UNUSABLE, message).at(span));
        })
        .ok()
}

/// Only as much of the model as the configuration wants.
fn cut(options: Options, wanted: &EmbeddingModel) -> Options {
    Options { dimensions: wanted.target_dimension, layers: wanted.target_layer, ..options }
}

/// The precision to compute with, which this machine has: the command line's, or else the configuration's.
fn precision(choice: &ModelChoice, config: Option<&Config>, report: &mut Report) -> Result<Precision, Failure> {
    if let Some(precision) = choice.precision {
        Engine::choose(precision, None).map_err(Failure::unavailable)?;
        return Ok(precision);
    }
    let Some(config) = config else { return Ok(Precision::Auto) };
    let wanted = match config.resolved.embedding.precision {
        config::Precision::Auto => Precision::Auto,
        config::Precision::Int8 => Precision::Int8,
        config::Precision::Bf16 => Precision::Bf16,
        config::Precision::Fp32 => Precision::Fp32,
    };
    Ok(Engine::choose(wanted, None).map_or_else(
        |error| {
            let place = Place(PRECISION.map(|key| Step::Key(key.to_owned())).to_vec());
            report.push(Diagnostic::error(NO_PRECISION, error.to_string()).at(config.span(&place)));
            Precision::Auto
        },
        |_| wanted,
    ))
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

fn absent(wanted: &EmbeddingModel) -> Diagnostic {
    let why = match &wanted.path {
        Some(path) => format!("there is no folder {}", path.display()),
        None => "no folder is given for it".to_owned(),
    };
    let message =
        format!("the embedding model {:?} is configured, but {why}: the embedded model serves instead", wanted.name);
    Diagnostic::warning(ABSENT, message).help("put the model there, or name one with --model".to_owned())
}
