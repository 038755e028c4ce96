//! A model at work, for everybody who embeds.

use crate::material::{ModelMaterial, ModelSetup};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::{Embed, EmbedFailure, Waiting};
use trackside_inference::{About, EmbedError, Workers};
use trackside_telemetry::EmbeddingCounts;

/// Texts of a bank that are on their way to the encoder at once: enough to keep its threads busy, and far fewer than
/// its queue takes.
const BANK_TEXTS: usize = 32;

/// A model with the threads that run it. Dropping it waits for them: drop the last reference where that hurts nobody.
#[derive(Debug)]
pub(crate) struct Embeddings {
    pub(crate) workers: Workers,
    pub(crate) about: About,
    /// How many texts are embedded at once.
    pub(crate) threads: usize,
    pub(super) setup: ModelSetup,
}

impl Embeddings {
    /// What the vectors mean and how they are made: 64 hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> &str {
        self.workers.embedder().fingerprint().as_str()
    }

    /// For the record of a generation.
    pub(super) fn material(&self) -> ModelMaterial {
        ModelMaterial { setup: self.setup.clone(), fingerprint: self.fingerprint().into() }
    }

    /// What the threads count, in the words of the metrics.
    pub(super) fn counted(&self) -> EmbeddingCounts {
        let counts = self.workers.counts();
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

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "model": self.about.name,
            "architecture": self.about.architecture.to_string(),
            "dimensions": self.about.dimensions,
            "precision": self.about.precision.to_string(),
            "instructions": self.about.instructions.to_string(),
            "fingerprint": self.fingerprint(),
        })
    }
}

impl fmt::Display for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { name, architecture, precision, instructions, .. } = &self.about;
        write!(f, "{name} ({architecture}, {precision}, {instructions})")
    }
}

impl Embed for Embeddings {
    fn available(&self) -> bool {
        true
    }

    fn model(&self) -> Option<&str> {
        Some(self.workers.embedder().fingerprint().model())
    }

    fn fingerprint(&self) -> Option<&str> {
        Some(self.fingerprint())
    }

    fn embed<'a>(&'a self, text: &'a str, deadline: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        Box::pin(async move {
            let embedding = self.workers.embed(text, deadline).await.map_err(|error| failure(&error))?;
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
