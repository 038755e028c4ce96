//! From a configuration file to a snapshot that can be served, the same way for every command.

mod allowed;
mod artefacts;
mod capabilities;
mod diagnostics;
mod domains;
mod embeddings;
mod generation;
mod known;
mod model;
mod pulled;
mod values;
mod vectors;
mod workshop;

pub(crate) use artefacts::{FILE_BYTES, Served};
pub(crate) use diagnostics::counts_at_start;
pub(crate) use embeddings::Embeddings;
pub(crate) use generation::Generation;
pub(crate) use model::{ModelChoice, find};
pub(crate) use pulled::{HubName, PulledModels};
pub(crate) use workshop::{Assembled, Flaw, Workshop};

use crate::exit::Failure;
use std::path::Path;
use trackside_config::{self as config, Loaded, ProcessEnvironment};

/// The configuration that is served when nobody brings one.
const BUILT_IN: &str = include_str!("../../../config/router.yaml");

/// Reads a configuration file, or the built-in one.
pub(crate) fn load(file: Option<&Path>) -> Result<Loaded, Failure> {
    match file {
        Some(file) => config::load(file, &ProcessEnvironment).map_err(Failure::unavailable),
        None => Ok(built_in()),
    }
}

/// The built-in configuration.
pub(crate) fn built_in() -> Loaded {
    config::parse("built-in router.yaml", BUILT_IN, Path::new("."), &ProcessEnvironment)
}
