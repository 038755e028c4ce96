//! Calls to components under their failure policy. Every call of the pipeline goes through [`Stage::call`].

use crate::record::CallRecord;
use std::time::{Duration, Instant};
use trackside_components::{CallError, Configured, FailurePolicy, Role};

/// A configured component in its place, with what happens when it fails.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) serves: String,
    pub(crate) configured: Configured,
    pub(crate) on_failure: OnFailure,
}

/// A failure policy, ready to use.
#[derive(Debug)]
pub(crate) enum OnFailure {
    Open,
    Closed,
    Fallback(Box<Stage>),
}

/// A component failed whose policy is `closed`.
#[derive(Debug)]
pub(crate) struct Closed;

/// What the calls of one request leave behind.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) calls: Vec<CallRecord>,
    pub(crate) degraded: Vec<Degraded>,
}

/// A failure that the request went on without.
#[derive(Debug)]
pub(crate) struct Degraded {
    pub(crate) component: String,
    pub(crate) reason: &'static str,
}

impl OnFailure {
    /// The policy of a stage whose fallback, if it names one, is already configured.
    pub(crate) fn new(policy: &FailurePolicy, fallback: Option<Stage>) -> OnFailure {
        match (policy, fallback) {
            (FailurePolicy::Fallback(_), Some(stage)) => OnFailure::Fallback(Box::new(stage)),
            (FailurePolicy::Closed, _) => OnFailure::Closed,
            _ => OnFailure::Open,
        }
    }
}

impl Stage {
    /// Calls the component, and on failure follows its policy: `Ok(None)` means to go on without an answer.
    ///
    /// # Errors
    /// [`Closed`] when the policy is to refuse the request.
    pub(crate) async fn call<T, Answer>(
        &self,
        trail: &mut Trail,
        guest: impl Fn(Configured) -> Answer,
    ) -> Result<Option<T>, Closed>
    where
        Answer: Future<Output = Result<T, CallError>>,
    {
        let mut stage = self;
        loop {
            match stage.attempt(trail, guest(stage.configured.clone())).await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => {
                    trail.degraded.push(Degraded { component: stage.serves.clone(), reason: error.outcome() });
                    tracing::warn!(event = "component_failed", component = stage.serves, error = %error);
                }
            }
            match &stage.on_failure {
                OnFailure::Open => return Ok(None),
                OnFailure::Closed => return Err(Closed),
                OnFailure::Fallback(next) => stage = next,
            }
        }
    }

    async fn attempt<T>(
        &self,
        trail: &mut Trail,
        answer: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let result = answer.await;
        trail.calls.push(CallRecord {
            role: self.role().as_str(),
            component: self.serves.clone(),
            digest: self.configured.component().digest().short(),
            outcome: result.as_ref().map_or_else(CallError::outcome, |_| "ok"),
            started,
            time_us: micros(started.elapsed()),
        });
        result
    }

    fn role(&self) -> Role {
        self.configured.component().description().role
    }
}

impl Trail {
    pub(crate) fn append(&mut self, mut other: Trail) {
        self.calls.append(&mut other.calls);
        self.degraded.append(&mut other.degraded);
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
