//! What was served and what was refused, as far back as one can go.

use super::{Cause, Problem, Refusal};
use crate::assemble::Served;
use crate::material::Material;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use trackside_components::Digest;

/// How many generations are kept to go back to, and how many refused attempts to look at.
const KEPT: usize = 16;

/// One line of the history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryEntry {
    /// What requests are stamped with. A refused attempt has none.
    pub(crate) id: Option<u64>,
    /// When, as in the log.
    pub(crate) time: String,
    pub(crate) cause: Cause,
    pub(crate) verdict: Verdict,
    /// SHA-256 of the configuration's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<String>,
    /// The digest of each component at hand, by the type it serves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) components: BTreeMap<String, String>,
    /// The fingerprint of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// What is different from the generation before.
    pub(crate) changed: Vec<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// What was wrong with a refused attempt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<Problem>,
    /// From the beginning of the attempt to its end, milliseconds.
    pub(crate) took_ms: f64,
    /// Streams and API requests that hold it.
    pub(crate) pinned: usize,
    /// Whether new streams get it.
    pub(crate) live: bool,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Published,
    Refused,
}

/// There is no such generation to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("generation {0} is not among those that are kept")]
pub(crate) struct UnknownGeneration(pub(crate) u64);

/// A generation that was published.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) id: u64,
    pub(super) time: String,
    pub(super) cause: Cause,
    pub(super) material: Arc<Material>,
    pub(super) served: Arc<BTreeMap<String, Served>>,
    pub(super) changed: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) took: Duration,
}

#[derive(Debug, Default)]
pub(super) struct History {
    /// With the count of attempts at the time, which orders both lists.
    published: VecDeque<(u64, Published)>,
    refused: VecDeque<(u64, Arc<Refusal>, Duration)>,
    attempts: u64,
}

impl History {
    pub(super) fn publish(&mut self, published: Published) {
        self.attempts += 1;
        self.published.push_front((self.attempts, published));
        self.published.truncate(KEPT);
    }

    pub(super) fn refuse(&mut self, refusal: Arc<Refusal>, took: Duration) {
        self.attempts += 1;
        self.refused.push_front((self.attempts, refusal, took));
        self.refused.truncate(KEPT);
    }

    pub(super) fn material(&self, id: u64) -> Result<Arc<Material>, UnknownGeneration> {
        let found = self.published.iter().find(|(_, published)| published.id == id);
        found.map(|(_, published)| Arc::clone(&published.material)).ok_or(UnknownGeneration(id))
    }

    /// The digests of all files that one may go back to.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        self.published.iter().flat_map(|(_, published)| published.material.digests()).collect()
    }

    /// All attempts, newest first. `pins` tells of a generation how many hold it, and whether it is live.
    pub(super) fn entries(&self, pins: impl Fn(u64) -> (usize, bool)) -> Vec<HistoryEntry> {
        let published = self.published.iter().map(|(order, published)| (*order, published.entry(&pins)));
        let refused = self.refused.iter().map(|(order, refusal, took)| (*order, refused_entry(refusal, *took)));
        let mut entries: Vec<_> = published.chain(refused).collect();
        entries.sort_by(|(a, _), (b, _)| b.cmp(a));
        entries.into_iter().map(|(_, entry)| entry).collect()
    }
}

impl Published {
    pub(super) fn entry(&self, pins: impl Fn(u64) -> (usize, bool)) -> HistoryEntry {
        let (pinned, live) = pins(self.id);
        HistoryEntry {
            id: Some(self.id),
            time: self.time.clone(),
            cause: self.cause.clone(),
            verdict: Verdict::Published,
            config: Some(self.material.config().digest.to_string()),
            components: self.served.iter().map(|(serves, of)| (serves.clone(), of.digest.to_string())).collect(),
            model: Some(self.material.model().fingerprint.to_string()),
            changed: self.changed.clone(),
            notes: self.notes.clone(),
            problems: Vec::new(),
            took_ms: milliseconds(self.took),
            pinned,
            live,
        }
    }
}

fn refused_entry(refusal: &Refusal, took: Duration) -> HistoryEntry {
    HistoryEntry {
        id: None,
        time: refusal.time.clone(),
        cause: refusal.cause.clone(),
        verdict: Verdict::Refused,
        config: None,
        components: BTreeMap::new(),
        model: None,
        changed: Vec::new(),
        notes: vec![format!("generation {} went on", refusal.serving)],
        problems: refusal.problems.clone(),
        took_ms: milliseconds(took),
        pinned: 0,
        live: false,
    }
}

/// With as many digits as mean something.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
