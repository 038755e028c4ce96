//! Traces of requests: what is kept while a stream is open, how it becomes spans, and where they go.

mod following;
mod settings;
mod spans;

pub(crate) use following::{Exchange, Following};
pub(crate) use settings::settings;

use crate::exit::Failure;
use std::sync::Arc;
use trackside_config::{ProcessEnvironment, Tracing};
use trackside_telemetry::Metrics;
use trackside_telemetry::trace::{Flush, Tracer};

/// What a stream is followed with.
pub(crate) type Traces = Arc<Tracer<Exchange>>;

/// Starts to send traces, if the environment or the configuration asks for it.
pub(crate) fn start(
    file: Option<&Tracing>,
    metrics: &Arc<Metrics>,
) -> Result<Option<(Traces, Flush<Exchange>)>, Failure> {
    let Some(settings) = settings(file, &ProcessEnvironment).map_err(Failure::usage)? else { return Ok(None) };
    tracing::info!(event = "tracing", destination = ?settings.destination, sampler = ?settings.sampler);
    let started = Tracer::start(settings, env!("CARGO_PKG_VERSION"), Arc::clone(metrics));
    let (tracer, flush) = started.map_err(Failure::usage)?;
    Ok(Some((Arc::new(tracer), flush)))
}
