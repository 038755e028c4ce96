//! The log: one line per event on standard error, written by a thread of its own so that a slow reader never slows a
//! request down.

mod line;
mod lines;

pub use lines::Flush;

use crate::Metrics;
use line::Line;
use lines::Lines;
use std::sync::Arc;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object: `ts`, `level`, `event`, the event's fields, `target`, `msg`.
    Json,
    /// For people.
    Text,
}

/// Why the log did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("log filter \"{filter}\" is not a list of levels such as \"info,trackside_routing=debug\"")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The process already has a log.
    #[error("the log was started before")]
    Started(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// The system gives no thread.
    #[error("no thread for the log")]
    Thread(#[from] std::io::Error),
}

/// Starts the log of the process. `filter` is a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or several by
/// crate, such as `info,trackside_routing=debug`. Lines that standard error is too slow for are counted in `metrics`.
///
/// Panics become lines too. Keep what it returns until the end: dropping it writes what is still waiting.
///
/// # Errors
/// When the filter cannot be read, or when there is a log already.
pub fn start(format: Format, filter: &str, metrics: &Arc<Metrics>) -> Result<Flush, LogError> {
    let targets = targets(filter)?;
    let (lines, flush) = Lines::start(Arc::clone(metrics), std::io::stderr())?;
    let layer = tracing_subscriber::fmt::layer().event_format(Line(format)).with_writer(lines);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(targets)))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(event = "panic", place, "{}", panic.payload_as_str().unwrap_or_default());
    }));
    Ok(flush)
}

/// Now, as the log writes it: `2026-01-31T12:00:00.000000Z`.
#[must_use]
pub fn timestamp() -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

fn targets(filter: &str) -> Result<Targets, LogError> {
    if let Ok(level) = filter.parse::<LevelFilter>() {
        return Ok(Targets::new().with_default(level));
    }
    filter.parse().map_err(|source| LogError::Filter { filter: filter.to_owned(), source })
}

#[cfg(test)]
mod tests;
