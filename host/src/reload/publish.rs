//! The end of an attempt: a generation is published, or everything stays as it is; either is written down.

use super::history::{HistoryEntry, Published};
use super::refusal::Fault;
use super::reloads::Shared;
use super::{Cause, Generation, Outcome};
use crate::material::{Material, Reading};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::Digest;
use trackside_config::Report;
use trackside_telemetry::log::timestamp;

/// How a generation came about.
#[derive(Debug)]
pub(super) struct Making {
    pub(super) cause: Cause,
    pub(super) started: Instant,
    pub(super) changed: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Shared {
    /// Whether a generation of this material would be the one that serves, or the one that somebody has gone back from.
    pub(super) fn is_served(&self, material: &Material, cause: &Cause) -> bool {
        let goes_back = !matches!(cause, Cause::File(_));
        *self.live().material == *material || !goes_back && *self.ledger().on_disk == *material
    }

    /// Remembers what the next generation may depend on.
    pub(super) fn watch(&self, reading: &Reading) {
        let mut watched = reading.watched();
        watched.files.extend(self.origin.file.clone());
        self.ledger().watched = watched;
    }

    /// Publishes a generation, and does everything that goes with it.
    pub(super) fn publish(&self, generation: &Arc<Generation>, reading: &Reading, making: Making) -> HistoryEntry {
        let Making { cause, started, changed, notes } = making;
        let (took, id) = (started.elapsed(), generation.id());
        self.workshop.show(&generation.config, &generation.embeddings);
        let published = Published {
            id,
            time: timestamp(),
            cause,
            material: Arc::clone(&generation.material),
            served: Arc::clone(&generation.served),
            changed,
            notes,
            took,
        };
        let entry = published.entry(|_| (0, true));
        let mut ledger = self.ledger();
        if !matches!(entry.cause, Cause::Rollback(_)) {
            ledger.on_disk = Arc::clone(&generation.material);
        }
        ledger.history.publish(published);
        // The first generation is live from the beginning.
        let before = self.live.swap(Arc::clone(generation));
        if before.id() != id {
            self.draining.push(before);
        }
        let named = ledger.history.digests();
        drop(ledger);
        let HistoryEntry { took_ms, changed, .. } = &entry;
        let cause = entry.cause.as_str();
        self.metrics.generation_published(id, cause, took);
        tracing::info!(event = "published", generation = id, cause, took_ms, "{}", changed.join("; "));
        self.workshop.keep_only(&generation.material);
        self.archive(reading, &named);
        entry
    }

    /// Keeps what was read for the generations that one may go back to.
    fn archive(&self, reading: &Reading, named: &BTreeSet<Digest>) {
        let Some(archive) = &self.archive else { return };
        if let Err(error) = archive.keep(&reading.take_fresh()) {
            tracing::warn!(event = "not_archived", %error, "the way back depends on files as they are");
        }
        archive.retain(named);
    }

    pub(super) fn unchanged(&self, cause: &Cause) -> Outcome {
        let id = self.live().id();
        self.metrics.generation_unchanged(cause.as_str());
        tracing::debug!(event = "unchanged", generation = id, cause = cause.as_str());
        Outcome::Unchanged(id)
    }

    pub(super) fn refuse(&self, cause: Cause, fault: Fault, started: Instant) -> Outcome {
        let live = self.live();
        self.workshop.keep_only(&live.material);
        self.metrics.generation_refused(cause.as_str());
        let refusal = Arc::new(fault.refusal(cause, live.id()));
        refusal.tell();
        self.ledger().history.refuse(Arc::clone(&refusal), started.elapsed());
        Outcome::Refused(refusal)
    }

    /// Each warning that the generation before did not have is a line of the log.
    pub(super) fn tell_warnings(&self, report: &Report) {
        let mut told = BTreeSet::new();
        let mut ledger = self.ledger();
        for diagnostic in report.sorted() {
            let line = format!("{} {}", diagnostic.code, diagnostic.message);
            if !ledger.warnings.contains(&line) {
                let (line, column) = diagnostic.span.map(|span| (span.line, span.column)).unzip();
                let message = &diagnostic.message;
                tracing::warn!(event = "config", code = diagnostic.code.0, line, column, "{message}");
            }
            told.insert(line);
        }
        ledger.warnings = told;
    }
}
