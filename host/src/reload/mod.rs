//! The live generation, and how the next one takes its place.
//!
//! A [`Generation`] is everything that a request needs, frozen together; streams and API requests pin it whole.
//! [`Reloads`] makes the next one, one at a time and never on a thread that serves: read, compare, load what is new,
//! configure what is new, probe, persist what was uploaded, publish. Whatever fails before that leaves the live generation
//! as it is and makes one [`Refusal`].

mod change;
mod draining;
mod follow;
mod history;
mod make;
mod origin;
mod persist;
mod publish;
mod refusal;
mod reloads;
#[cfg(test)]
mod tests;
mod upload;

pub(crate) use crate::assemble::Generation;
pub(crate) use follow::follow;
pub(crate) use history::HistoryEntry;
pub(crate) use origin::Origin;
pub(crate) use refusal::{Problem, Refusal, Why};
pub(crate) use reloads::{NotStarted, Reloads};
pub(crate) use upload::Upload;

use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a generation is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub(crate) enum Cause {
    /// The program starts.
    Start,
    /// These files have changed.
    File(Vec<PathBuf>),
    /// Somebody sent a signal.
    Signal,
    /// Somebody asked by the API.
    Api,
    /// Somebody wants an earlier generation back.
    Rollback(u64),
    /// The candidate of this type becomes the active component.
    Promotion(String),
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Nothing is different: the generation with this id goes on.
    Unchanged(u64),
    /// A new generation serves.
    Published(Box<HistoryEntry>),
    /// The live generation goes on, and this is why.
    Refused(Arc<Refusal>),
}

impl Cause {
    /// The word of metrics and logs.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::File(_) => "file",
            Self::Signal => "signal",
            Self::Api => "api",
            Self::Rollback(_) => "rollback",
            Self::Promotion(_) => "promotion",
        }
    }
}
