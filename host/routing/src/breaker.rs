//! The breaker of one configured component: stops asking one that keeps failing, and finds out by itself when it works
//! again.
//!
//! Everything it knows is in one word, so that a component that works costs a request one relaxed load. Time comes from
//! outside.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use trackside_telemetry::Breaker as Position;

/// Fewer failures than this never open it, whatever their share: a single bad request should not.
const LEAST_FAILURES: u64 = 20;
/// Failures and calls count together for this long, from the first failure on.
const WINDOW_MS: u64 = 10_000;
/// How long it stays open at first; twice as long each time that a trial fails.
const FIRST_PAUSE_MS: u64 = 5_000;
/// The longest that it stays open.
const LONGEST_PAUSE_MS: u64 = 60_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// What times in the word count from.
    origin: Instant,
    word: AtomicU64,
    failures: AtomicU64,
    opened: AtomicU64,
}

/// What the word says. `Calm` is the word 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has failed lately: successes are not even counted.
    Calm,
    /// Something has failed since `since`.
    Watched { since: u64, calls: u64, failures: u64 },
    /// Nobody asks until `until`. `trials` have failed since it opened.
    Open { until: u64, trials: u64 },
    /// One call finds out whether the component works again.
    Trial { since: u64, trials: u64 },
}

/// How a call went, as far as the component is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered, be it that it could not help.
    Answered,
    /// It failed.
    Failed,
    /// Something else kept it from answering.
    Unclear,
}

/// A change of a breaker, to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Opened { pause: Duration },
    Closed,
}

/// The right to make one call. A trial that is dropped before it is settled leaves the next one to somebody else.
#[derive(Debug)]
#[must_use]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Calm,
    Watched,
    Trial { since: u64, trials: u64 },
    Settled,
}

impl Breaker {
    pub(crate) fn new(origin: Instant) -> Breaker {
        Breaker { origin, word: AtomicU64::new(0), failures: AtomicU64::new(0), opened: AtomicU64::new(0) }
    }

    /// Asks for a call. Nothing when the component is not to be asked now.
    pub(crate) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let word = self.word.load(Ordering::Relaxed);
        let kind = match State::of(word) {
            State::Calm => Kind::Calm,
            State::Watched { .. } => Kind::Watched,
            State::Open { until, trials } if self.millis(now) >= until => {
                let trial = State::Trial { since: self.millis(now), trials };
                self.replace(word, trial).then_some(Kind::Trial { since: self.millis(now), trials })?
            }
            State::Open { .. } | State::Trial { .. } => return None,
        };
        Some(Pass { breaker: self, kind })
    }

    /// What it is, for people.
    pub(crate) fn position(&self) -> Position {
        match State::of(self.word.load(Ordering::Relaxed)) {
            State::Calm | State::Watched { .. } => Position::Closed,
            State::Open { .. } => Position::Open,
            State::Trial { .. } => Position::HalfOpen,
        }
    }

    /// Calls that failed, ever.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How often it opened, failed trials included.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Counts a call of a component of which something failed lately, or fails now.
    fn count(&self, verdict: Verdict, now: Instant) -> Option<Change> {
        let (now, failed) = (self.millis(now), u64::from(verdict == Verdict::Failed));
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let next = match State::of(word) {
                State::Calm if failed == 0 => return None,
                State::Calm => State::Watched { since: now, calls: 1, failures: 1 },
                State::Watched { since, failures: 0, .. } if failed == 0 && now >= since + WINDOW_MS => State::Calm,
                State::Watched { since, .. } if now >= since + WINDOW_MS => {
                    State::Watched { since: now, calls: 1, failures: failed }
                }
                State::Watched { since, calls, failures } => {
                    let (calls, failures) = (calls + 1, failures + failed);
                    if failed == 1 && failures >= LEAST_FAILURES && failures * 2 >= calls {
                        State::Open { until: now + FIRST_PAUSE_MS, trials: 0 }
                    } else {
                        State::Watched { since, calls, failures }
                    }
                }
                // Calls that began before it opened tell nothing new.
                State::Open { .. } | State::Trial { .. } => return None,
            };
            match self.word.compare_exchange_weak(word, next.word(), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return self.told(next),
                Err(found) => word = found,
            }
        }
    }

    fn settle_trial(&self, since: u64, trials: u64, verdict: Verdict, now: Instant) -> Option<Change> {
        let now = self.millis(now);
        let next = match verdict {
            Verdict::Answered => State::Calm,
            Verdict::Failed => State::Open { until: now + pause(trials + 1), trials: (trials + 1).min(MOST_TRIALS) },
            Verdict::Unclear => State::Open { until: since, trials },
        };
        let settled = self.replace(State::Trial { since, trials }.word(), next);
        match next {
            State::Calm if settled => Some(Change::Closed),
            State::Open { .. } if settled && verdict == Verdict::Failed => self.told(next),
            _ => None,
        }
    }

    fn told(&self, next: State) -> Option<Change> {
        let State::Open { trials, .. } = next else { return None };
        self.opened.fetch_add(1, Ordering::Relaxed);
        Some(Change::Opened { pause: Duration::from_millis(pause(trials)) })
    }

    fn replace(&self, word: u64, next: State) -> bool {
        self.word.compare_exchange(word, next.word(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.origin).as_millis()).unwrap_or(u64::MAX) & TIME
    }
}

impl Pass<'_> {
    /// Tells how the call went. `now` is asked for where it matters.
    pub(crate) fn settle(mut self, verdict: Verdict, now: impl FnOnce() -> Instant) -> Option<Change> {
        let kind = std::mem::replace(&mut self.kind, Kind::Settled);
        if verdict == Verdict::Failed {
            self.breaker.failures.fetch_add(1, Ordering::Relaxed);
        }
        match kind {
            Kind::Trial { since, trials } => self.breaker.settle_trial(since, trials, verdict, now()),
            Kind::Calm if verdict != Verdict::Failed => None,
            Kind::Calm | Kind::Watched if verdict != Verdict::Unclear => self.breaker.count(verdict, now()),
            Kind::Calm | Kind::Watched | Kind::Settled => None,
        }
    }

    pub(crate) fn is_trial(&self) -> bool {
        matches!(self.kind, Kind::Trial { .. })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Kind::Trial { since, trials } = self.kind {
            self.breaker.replace(State::Trial { since, trials }.word(), State::Open { until: since, trials });
        }
    }
}

fn pause(trials: u64) -> u64 {
    (FIRST_PAUSE_MS << trials.min(MOST_TRIALS)).min(LONGEST_PAUSE_MS)
}

// The word: two bits that say which state, then a time in milliseconds, then one or two counts.
const TIME_BITS: u32 = 38;
const COUNT_BITS: u32 = 12;
/// Eight years.
const TIME: u64 = (1 << TIME_BITS) - 1;
/// At this many calls, calls and failures are halved: their ratio is what counts.
const MOST_COUNTED: u64 = (1 << COUNT_BITS) - 1;
/// By then the pause is the longest.
const MOST_TRIALS: u64 = 8;

impl State {
    fn of(word: u64) -> State {
        let time = word >> 2 & TIME;
        let (first, second) = (word >> (2 + TIME_BITS) & MOST_COUNTED, word >> (2 + TIME_BITS + COUNT_BITS));
        match word & 3 {
            0 => State::Calm,
            1 => State::Watched { since: time, calls: first, failures: second },
            2 => State::Open { until: time, trials: first },
            _ => State::Trial { since: time, trials: first },
        }
    }

    fn word(self) -> u64 {
        let (tag, time, first, second) = match self {
            State::Calm => return 0,
            State::Watched { since, calls, failures } if calls > MOST_COUNTED => (1, since, calls / 2, failures / 2),
            State::Watched { since, calls, failures } => (1, since, calls, failures),
            State::Open { until, trials } => (2, until, trials, 0),
            State::Trial { since, trials } => (3, since, trials, 0),
        };
        tag | (time & TIME) << 2 | first << (2 + TIME_BITS) | second << (2 + TIME_BITS + COUNT_BITS)
    }
}

#[cfg(test)]
mod tests;
