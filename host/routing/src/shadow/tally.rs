//! What came of trying a component beside the active one of its type.

use super::agreement::Agreement;
use crate::registry::Share;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use trackside_components::{Digest, Role};

/// Two components of one type: the active one, and the one that is tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    pub(crate) role: Role,
    pub(crate) serves: String,
    pub(crate) active: Digest,
    pub(crate) candidate: Digest,
}

/// The sums of one pair, over all its settings and for as long as snapshots use it.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    tally: Mutex<Tally>,
    canary_decided: AtomicU64,
    canary_failed: AtomicU64,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    agreed: u64,
    differed: u64,
    shed: u64,
    differences: Series,
    active: Series,
    candidate: Series,
    errors: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Series {
    count: u32,
    sum: f64,
    greatest: f64,
}

/// How a component that is tried compares with the active one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowReport {
    /// The type that both serve.
    pub serves: String,
    /// Their role.
    pub role: &'static str,
    /// Digest of the active component, 64 hex digits.
    pub active: String,
    /// Digest of the one that is tried.
    pub candidate: String,
    /// Where that one comes from.
    pub origin: Option<String>,
    /// Percent of the requests on which it runs beside the active one.
    pub shadow_percent: f64,
    /// Percent of the requests that it decides.
    pub canary_percent: f64,
    /// What the two said when both were asked.
    pub answers: Answers,
    /// How far their scores lay apart; absent where there were none.
    pub score_difference: Option<Difference>,
    /// How long each took.
    pub latency: Times,
    /// How often it failed, by outcome.
    pub errors: BTreeMap<&'static str, u64>,
    /// Requests on which it was not asked, as too many other calls of it were under way.
    pub dropped: u64,
    /// The requests that were its to decide.
    pub canary: CanaryReport,
}

/// What two components said when both were asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Answers {
    /// Calls of the candidate beside a request, failed ones included.
    pub calls: u64,
    /// Both said the same.
    pub agreed: u64,
    /// They did not.
    pub differed: u64,
    /// The share of answers that agreed, 0 to 1; absent before the first one.
    pub agreement: Option<f64>,
}

/// How far scores lay apart, 0 to 1: of each call the greatest distance counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The mean over the calls.
    pub mean: f64,
    /// The greatest.
    pub greatest: f64,
}

/// How long the calls took that both answered, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    /// Mean of the active component.
    pub active_mean_us: f64,
    /// Longest of the active component.
    pub active_greatest_us: f64,
    /// Mean of the candidate.
    pub candidate_mean_us: f64,
    /// Longest of the candidate.
    pub candidate_greatest_us: f64,
}

/// Requests that were the candidate's to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CanaryReport {
    /// It did.
    pub decided: u64,
    /// It failed, and the active component was asked.
    pub failed: u64,
}

impl Comparison {
    pub(super) fn answered(&self, agreement: Agreement, active: Duration, candidate: Duration) {
        self.change(|tally| {
            *if agreement.agrees { &mut tally.agreed } else { &mut tally.differed } += 1;
            if let Some(difference) = agreement.difference {
                tally.differences.add(f64::from(difference));
            }
            tally.active.add(micros(active));
            tally.candidate.add(micros(candidate));
        });
    }

    pub(super) fn failed(&self, outcome: &'static str) {
        self.change(|tally| *tally.errors.entry(outcome).or_default() += 1);
    }

    pub(super) fn shed(&self) {
        self.change(|tally| tally.shed += 1);
    }

    pub(super) fn decided(&self, answered: bool) {
        let counter = if answered { &self.canary_decided } else { &self.canary_failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn change(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn report(&self, pair: &Pair, share: Share, origin: Option<String>) -> ShadowReport {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Tally { agreed, differed, shed, differences, active, candidate, errors } = tally;
        let answered = agreed + differed;
        #[expect(clippy::cast_precision_loss, reason = "a share of up to 2^53 calls")]
        let agreement = (answered > 0).then(|| agreed as f64 / answered as f64);
        let difference = Difference { mean: differences.mean(), greatest: differences.greatest };
        ShadowReport {
            serves: pair.serves.clone(),
            role: pair.role.as_str(),
            active: pair.active.to_string(),
            candidate: pair.candidate.to_string(),
            origin,
            shadow_percent: share.shadow,
            canary_percent: share.canary,
            answers: Answers { calls: answered + errors.values().sum::<u64>(), agreed, differed, agreement },
            score_difference: (differences.count > 0).then_some(difference),
            latency: Times {
                active_mean_us: active.mean(),
                active_greatest_us: active.greatest,
                candidate_mean_us: candidate.mean(),
                candidate_greatest_us: candidate.greatest,
            },
            errors,
            dropped: shed,
            canary: CanaryReport {
                decided: self.canary_decided.load(Ordering::Relaxed),
                failed: self.canary_failed.load(Ordering::Relaxed),
            },
        }
    }
}

impl Series {
    fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        self.sum += value;
        self.greatest = self.greatest.max(value);
    }

    fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / f64::from(self.count) }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
