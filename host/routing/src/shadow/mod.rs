//! Components that are tried on real traffic: beside the active one of their type, off the reply path (shadow), or in its
//! place for a part of the sessions (canary).

mod agreement;
mod earlier;
mod tally;

pub use tally::{Answers, CanaryReport, Difference, ShadowReport, Times};
pub(crate) use tally::{Comparison, Pair};

use crate::call::{BREAKER_OPEN, Purpose};
use crate::guarded::Guarded;
use crate::question::{Answer, Question};
use crate::registry::Share;
use crate::view::View;
use agreement::Agreement;
use earlier::Earlier;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use trackside_components::Current;
use trackside_components::types::RequestHead;
use trackside_config::Place;
use trackside_telemetry::Metrics;

/// Most calls of one understudy that may be under way beside requests. More are dropped and counted.
const MOST_BEHIND: usize = 16;
/// A component's own limit ends its call; this one bounds the wait for an instance.
const PATIENCE: Duration = Duration::from_secs(2);

/// A component that is tried in the place of an active one, under the same settings.
#[derive(Debug)]
pub(crate) struct Understudy {
    /// By which it is told in records.
    pub(crate) name: String,
    pub(crate) pair: Pair,
    pub(crate) guarded: Arc<Guarded>,
    pub(crate) share: Share,
    pub(crate) comparison: Arc<Comparison>,
    /// Where the configuration names it.
    pub(crate) place: Place,
    metrics: Arc<Metrics>,
    /// Where it is asked beside requests: not on the threads that serve these.
    runtime: Handle,
    /// Calls under way beside requests. They end with the snapshot.
    behind: Mutex<JoinSet<()>>,
}

/// A call that waits until its request has an answer.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) understudy: Arc<Understudy>,
    pub(crate) view: Arc<View>,
    pub(crate) head: RequestHead,
    pub(crate) question: Question,
    /// What the active component answered, and how long that took.
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
}

impl Understudy {
    /// Must be called on the runtime that builds snapshots.
    pub(crate) fn new(
        pair: Pair,
        guarded: Arc<Guarded>,
        share: Share,
        comparison: Arc<Comparison>,
        place: Place,
        metrics: Arc<Metrics>,
    ) -> Understudy {
        let (name, behind) = (Understudy::name_of(&pair.serves), Mutex::default());
        Understudy { name, pair, guarded, share, comparison, place, metrics, runtime: Handle::current(), behind }
    }

    /// The type, and that it is the candidate for it.
    pub(crate) fn name_of(serves: &str) -> String {
        format!("{serves} (candidate)")
    }

    /// Whether this request is the understudy's to decide: the same for all requests of a session.
    pub(crate) fn decides(&self, view: &View, purpose: Purpose) -> bool {
        purpose == Purpose::Traffic && falls_within(self.share.canary, &self.pair.serves, view.session())
    }

    /// Whether the understudy is to be asked beside this request.
    pub(crate) fn shadows(&self, view: &View, purpose: Purpose) -> bool {
        purpose == Purpose::Traffic && falls_within(self.share.shadow, &self.name, Current::id(view))
    }

    /// A request was its to decide, and it did, or the active component had to.
    pub(crate) fn decided(&self, answered: bool) {
        self.comparison.decided(answered);
        self.metrics.canary(&self.pair.serves, if answered { "decided" } else { "failed" });
    }
}

impl Behind {
    /// Asks the understudy in a task of its own, unless too many are under way.
    pub(crate) fn launch(self) {
        let understudy = Arc::clone(&self.understudy);
        let mut behind = understudy.behind.lock().unwrap_or_else(PoisonError::into_inner);
        while behind.try_join_next().is_some() {}
        if behind.len() >= MOST_BEHIND {
            drop(behind);
            understudy.comparison.shed();
            understudy.metrics.shadow(&understudy.pair.serves, "dropped", None);
            return;
        }
        behind.spawn_on(self.run(), &understudy.runtime);
    }

    async fn run(self) {
        let Behind { understudy, view, head, question, answer, took } = self;
        // The task must not keep alive what it is to end with.
        let Understudy { pair, guarded, comparison, metrics, .. } = &*understudy;
        let (serves, guarded) = (pair.serves.clone(), Arc::clone(guarded));
        let (comparison, metrics) = (Arc::clone(comparison), Arc::clone(metrics));
        drop(understudy);
        let current: Arc<dyn Current> = match question {
            Question::Ask | Question::Signals => Arc::new(Earlier(view)),
            _ => view,
        };
        let started = Instant::now();
        let Some(pass) = guarded.admit(started) else {
            comparison.failed(BREAKER_OPEN);
            metrics.shadow(&serves, BREAKER_OPEN, None);
            return;
        };
        let result = question.put(&guarded.configured, &current, &head, started + PATIENCE).await;
        let candidate = started.elapsed();
        guarded.settle(pass, result.as_ref().err(), || started + candidate);
        match result {
            Ok(other) => {
                let agreement = Agreement::of(&answer, &other);
                comparison.answered(agreement, took, candidate);
                let outcome = if agreement.agrees { "agreed" } else { "differed" };
                metrics.shadow(&serves, outcome, Some(candidate));
                if let Some(difference) = agreement.difference {
                    metrics.shadow_difference(&serves, difference);
                }
            }
            Err(error) => {
                comparison.failed(error.outcome());
                metrics.shadow(&serves, error.outcome(), Some(candidate));
            }
        }
    }
}

/// Whether something falls within a share of all there is, in percent. The same on every machine and in every version;
/// `salt` makes different shares hit different things.
fn falls_within(percent: f64, salt: &str, what: &str) -> bool {
    if percent <= 0.0 {
        return false;
    }
    // FNV-1a, whose high bits are then mixed down: ids often differ in their last characters only.
    let bytes = salt.bytes().chain([0]).chain(what.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let point = ((hash ^ hash >> 31) >> 11) as f64 / (1_u64 << 53) as f64;
    point * 100.0 < percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_the_same_thing_falls_the_same_way() {
        for percent in [0.0, 0.5, 5.0, 50.0, 99.5, 100.0] {
            let within = |salt: &str| -> Vec<bool> {
                (0..20_000).map(|number| falls_within(percent, salt, &format!("request-{number}"))).collect()
            };
            let hits = within("a");
            let share = hits.iter().filter(|hit| **hit).count() as f64 / 200.0;
            assert!((share - percent).abs() < 1.2, "{share} instead of {percent}");
            assert_eq!(hits, within("a"));
            if percent == 50.0 {
                let both = hits.iter().zip(within("b")).filter(|(a, b)| **a && *b).count();
                assert!((4_500..5_500).contains(&both), "{both}: another salt must draw anew");
            }
        }
    }

    #[test]
    fn a_session_stays_where_it_fell_in_every_version() {
        for (salt, what, least) in [("my_selector", "session-1", 6.71), ("keyword", "7f3a", 58.78)] {
            assert!(falls_within(least + 0.01, salt, what) && !falls_within(least, salt, what), "{what}");
        }
    }
}
