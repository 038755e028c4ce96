//! What the router tells about itself: counters and latencies in Prometheus' and OpenMetrics' text formats, traces over OTLP, and a log of
//! one JSON line per event. It carries names, numbers and reasons, never prompt text.
//!
//! Know [`Metrics`], one method per thing that happens, [`log::start`], and [`trace::Tracer`]. It must never depend on another crate of this
//! project: every crate on the request path may use it.

mod calls;
mod embedding;
mod exemplar;
mod family;
mod generations;
mod histogram;
pub mod log;
mod metrics;
mod names;
mod openmetrics;
mod streams;
pub mod trace;

pub use calls::Calls;
pub use embedding::EmbeddingCounts;
pub use generations::{Breaker, Pins};
pub use metrics::{CONTENT_TYPE, Metrics, OPENMETRICS_TYPE, Routed};

#[cfg(test)]
mod tests;
