//! Traces: one for each request that was decided about, sent to a collector over OTLP.
//!
//! Nothing is built on the request's way: whoever handles it keeps what it saw, and hands it over at the end. A thread of
//! its own turns that into spans and sends them in batches, so that neither a slow collector nor an absent one is felt.

mod context;
mod current;
mod export;
mod otlp;
mod sampler;
mod span;
mod transport;

pub use context::Context;
pub(crate) use current::current;
pub use export::{Flush, StartError, Trace, Tracer};
pub use sampler::Sampler;
pub use span::{Kind, Span, Value};
pub use transport::{Credentials, Destination};

use std::time::Duration;

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they go.
    pub destination: Destination,
    /// Which are kept.
    pub sampler: Sampler,
    /// The longest that the collector may take for one batch.
    pub timeout: Duration,
    /// What is said about this process, such as `service.name`.
    pub resource: Vec<(String, String)>,
}

#[cfg(test)]
mod tests;
