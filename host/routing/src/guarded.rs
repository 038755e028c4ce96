//! A configured component behind its breaker. All stages and snapshots that use it share it.

use crate::breaker::{Breaker, Change, Pass, Verdict};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use trackside_components::{CallError, Configured, Digest};
use trackside_telemetry::{self as telemetry, Metrics};

pub(crate) struct Guarded {
    pub(crate) configured: Configured,
    pub(crate) breaker: Breaker,
    /// The identity of what it was made from.
    pub(crate) identity: Digest,
    /// The name by which its breaker is told.
    name: String,
    /// The time that one call may take.
    allowed: Duration,
    /// Whether it came through a probe.
    proven: AtomicBool,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Guarded { configured, breaker, identity, .. } = self;
        f.debug_struct("Guarded")
            .field("configured", configured)
            .field("breaker", breaker)
            .field("identity", identity)
            .finish_non_exhaustive()
    }
}

impl Guarded {
    pub(crate) fn new(
        configured: Configured,
        identity: Digest,
        name: String,
        allowed: Duration,
        metrics: Arc<Metrics>,
    ) -> Guarded {
        let breaker = Breaker::new(Instant::now());
        Guarded { configured, breaker, identity, name, allowed, proven: AtomicBool::new(false), metrics }
    }

    /// Asks for a call. Nothing when the breaker is open.
    pub(crate) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let pass = self.breaker.admit(now)?;
        if pass.is_trial() {
            self.metrics.breaker(&self.name, telemetry::Breaker::HalfOpen);
        }
        Some(pass)
    }

    /// Tells the breaker how a call went.
    pub(crate) fn settle(&self, pass: Pass<'_>, failed: Option<&CallError>, now: impl FnOnce() -> Instant) {
        let verdict = failed.map_or(Verdict::Answered, |error| verdict(error, self.allowed));
        let name = &self.name;
        match pass.settle(verdict, now) {
            Some(Change::Opened { pause }) => {
                tracing::warn!(event = "breaker_opened", component = name, pause_s = pause.as_secs());
                self.metrics.breaker(name, telemetry::Breaker::Open);
            }
            Some(Change::Closed) => {
                tracing::info!(event = "breaker_closed", component = name);
                self.metrics.breaker(name, telemetry::Breaker::Closed);
            }
            None => {}
        }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    pub(crate) fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }
}

/// Nobody will close the breaker of a component that is gone.
impl Drop for Guarded {
    fn drop(&mut self) {
        if self.breaker.position() != telemetry::Breaker::Closed {
            self.metrics.breaker(&self.name, telemetry::Breaker::Closed);
        }
    }
}

/// Whose fault it is that a call brought no answer. Too few instances are overload: to stop asking would only hide it. And
/// a request that had less time left than the component may take came too late.
fn verdict(error: &CallError, allowed: Duration) -> Verdict {
    match error {
        CallError::Failure { .. } => Verdict::Answered,
        CallError::Exhausted => Verdict::Unclear,
        CallError::Deadline { allowed: had } if *had < allowed => Verdict::Unclear,
        _ => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_component_does_wrong_counts_against_it() {
        const ALLOWED: Duration = Duration::from_millis(5);
        let text = String::new;
        for (error, expected) in [
            (CallError::Failure { kind: text(), message: text() }, Verdict::Answered),
            (CallError::Exhausted, Verdict::Unclear),
            (CallError::Deadline { allowed: Duration::from_millis(4) }, Verdict::Unclear),
            (CallError::Deadline { allowed: ALLOWED }, Verdict::Failed),
            (CallError::Trap { reason: text() }, Verdict::Failed),
            (CallError::Memory { limit_bytes: 1 }, Verdict::Failed),
            (CallError::Output { limit_bytes: 1 }, Verdict::Failed),
            (CallError::Instantiate { reason: text() }, Verdict::Failed),
            (CallError::Missing { interface: "signal-evaluation" }, Verdict::Failed),
        ] {
            assert_eq!(verdict(&error, ALLOWED), expected, "{error}");
        }
    }
}
