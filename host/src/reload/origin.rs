//! Where the configuration comes from, and what of it counts only when the program starts.

use super::refusal::{Fault, Why};
use crate::assemble::{built_in, counts_at_start, load};
use crate::cli::Strictness;
use crate::exit::Failure;
use std::io;
use std::path::{Path, PathBuf};
use trackside_config::{self as config, Code, Config, Loaded, ProcessEnvironment, Report, StreamedBody, Tracing};

/// The configuration file cannot be read.
const UNREADABLE: Code = Code("E0435");

/// The configuration file, or none for the built-in configuration.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) file: Option<PathBuf>,
    pub(crate) strictness: Strictness,
}

/// Settings that are in force since the start.
#[derive(Clone, Debug)]
pub(super) struct AtStart {
    tracing: Option<Tracing>,
    streamed_body: StreamedBody,
}

impl Origin {
    /// The configuration as it is on disk when the program starts.
    pub(super) fn start(&self) -> Result<Loaded, Failure> {
        load(self.file.as_deref()).map(|loaded| self.strictly(loaded))
    }

    /// The configuration as it is on disk now.
    pub(super) fn load(&self) -> Result<Loaded, Fault> {
        let Some(file) = &self.file else { return Ok(self.strictly(built_in())) };
        let loaded = config::load(file, &ProcessEnvironment).map_err(|error| self.unreadable(file, &error.error))?;
        Ok(self.strictly(loaded))
    }

    /// A text in place of the file's.
    pub(super) fn parse(&self, file: &Path, text: &str) -> Result<Loaded, Fault> {
        let base_dir = config::base_dir(file, &ProcessEnvironment).map_err(|error| self.unreadable(file, &error))?;
        Ok(self.strictly(config::parse(&file.display().to_string(), text, &base_dir, &ProcessEnvironment)))
    }

    /// As reports name it.
    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "built-in router.yaml".to_owned(), |file| file.display().to_string())
    }

    pub(super) fn strictly(&self, mut loaded: Loaded) -> Loaded {
        self.strictness.apply(&mut loaded);
        loaded
    }

    fn unreadable(&self, file: &Path, error: &io::Error) -> Fault {
        let message = format!("the configuration {} cannot be read: {error}", file.display());
        Fault::new(Why::Invalid, UNREADABLE, message, None, &self.name())
    }
}

impl AtStart {
    pub(super) fn of(config: &Config) -> Self {
        let config::Resolved { tracing, streamed_body, .. } = &config.resolved;
        Self { tracing: tracing.clone(), streamed_body: *streamed_body }
    }

    /// Warns of settings that have another value now.
    pub(super) fn check(&self, config: &Config, report: &mut Report) {
        if self.tracing != config.resolved.tracing {
            counts_at_start(&["global", "services", "observability", "tracing"], config, report);
        }
        if self.streamed_body != config.resolved.streamed_body {
            counts_at_start(&["global", "router", "streamed_body"], config, report);
        }
    }
}
