//! Adapters: what components may reach, joined to what stands behind it.

use futures_util::{StreamExt, TryStreamExt, stream};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::{Embed, EmbedFailure, Level, Log, Metrics, Role, Waiting};
use trackside_inference::{Counts, EmbedError, Workers};
use trackside_telemetry::{self as telemetry, EmbeddingCounts};

/// Texts of a bank that are on their way to the encoder at once: enough to keep its threads busy, and far fewer than
/// its queue takes.
const BANK_TEXTS: usize = 32;

/// Embeddings by a model.
#[derive(Debug)]
pub(super) struct Model(pub(super) Arc<Workers>);

impl Embed for Model {
    fn available(&self) -> bool {
        true
    }

    fn model(&self) -> Option<&str> {
        Some(self.0.embedder().fingerprint().model())
    }

    fn embed<'a>(&'a self, text: &'a str, deadline: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        Box::pin(async move {
            let embedding = self.0.embed(text, deadline).await.map_err(|error| failure(&error))?;
            Ok(embedding.as_slice().into())
        })
    }

    fn embed_all<'a>(
        &'a self,
        texts: &'a [String],
        deadline: Instant,
    ) -> Waiting<'a, Result<Vec<Arc<[f32]>>, EmbedFailure>> {
        let vectors = stream::iter(texts).map(move |text| self.embed(text, deadline));
        Box::pin(vectors.buffered(BANK_TEXTS).try_collect())
    }
}

/// What the threads count, in the words of the metrics.
pub(super) fn counted(counts: Counts) -> EmbeddingCounts {
    EmbeddingCounts {
        waiting: u64::try_from(counts.waiting).unwrap_or(u64::MAX),
        done: counts.done,
        expired: counts.expired,
        abandoned: counts.abandoned,
        refused: counts.refused,
        remembered: counts.memo_hits,
        new: counts.memo_misses,
        memory_bytes: counts.memo_bytes,
    }
}

fn failure(error: &EmbedError) -> EmbedFailure {
    match error {
        EmbedError::DeadlineExceeded => EmbedFailure::Deadline,
        EmbedError::Overloaded { .. } => EmbedFailure::Overloaded,
        other => EmbedFailure::Internal(match other.source() {
            Some(source) => format!("{other}: {source}"),
            None => other.to_string(),
        }),
    }
}

/// Lines of components in the log of the process, under the target `component`.
#[derive(Clone, Debug)]
pub(super) struct Lines(pub(super) Arc<telemetry::Metrics>);

impl Log for Lines {
    fn line(&self, component: &str, request: Option<&str>, level: Level, message: &str) {
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(
                    target: "component",
                    tracing::Level::$level,
                    event = "component_log",
                    component,
                    request_id = request,
                    "{message}"
                )
            };
        }
        match level {
            Level::Error => line!(ERROR),
            Level::Warn => line!(WARN),
            Level::Info => line!(INFO),
            Level::Debug => line!(DEBUG),
            Level::Trace => line!(TRACE),
        }
    }

    fn dropped(&self, component: &str, lines: u32) {
        self.0.component_log_dropped(component, lines.into());
    }
}

/// Counters and times in the metrics of the process.
#[derive(Clone, Debug)]
pub(super) struct Counted(pub(super) Arc<telemetry::Metrics>);

impl Metrics for Counted {
    fn add(&self, component: &str, name: &str, by: f64) {
        self.0.component_metric(component, name, by);
    }

    fn call(&self, component: &str, role: Role, outcome: &'static str, time: Duration) {
        self.0.call(component, role.as_str(), outcome, time);
    }
}
