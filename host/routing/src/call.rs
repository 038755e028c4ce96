//! Calls to components under their failure policy. Every call of the pipeline goes through [`Stage::call`].

use crate::guarded::Guarded;
use crate::question::{Answer, Question};
use crate::record::{CallRecord, Part};
use crate::shadow::{Behind, Understudy};
use crate::view::View;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::types::RequestHead;
use trackside_components::{CallError, Configured, FailurePolicy};
use trackside_config::Place;

/// The word for a component that was not asked because it kept failing.
pub(crate) const BREAKER_OPEN: &str = "breaker_open";

/// A configured component in its place, with what happens when it fails.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) serves: String,
    pub(crate) guarded: Arc<Guarded>,
    pub(crate) on_failure: OnFailure,
    /// What is tried in its place on a part of the traffic.
    pub(crate) understudy: Option<Arc<Understudy>>,
    /// What of the configuration brought it; empty when no part alone did.
    pub(crate) place: Place,
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

/// What a request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody waits for the answer.
    #[default]
    Traffic,
    /// A snapshot is tried before it is published: nothing of it counts.
    Probe,
}

/// What the calls of one request leave behind.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) calls: Vec<CallRecord>,
    pub(crate) degraded: Vec<Degraded>,
    /// What understudies are asked once the request has its answer.
    pub(crate) behind: Vec<Behind>,
    pub(crate) purpose: Purpose,
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
    /// Calls the component, and on failure follows its policy: `Ok(None)` means to go on without an answer. Where the
    /// request is the understudy's to decide, that one is called first.
    ///
    /// # Errors
    /// [`Closed`] when the policy is to refuse the request.
    pub(crate) async fn call<T, Answer>(
        &self,
        view: &View,
        trail: &mut Trail,
        guest: impl Fn(Configured) -> Answer,
    ) -> Result<Option<T>, Closed>
    where
        Answer: Future<Output = Result<T, CallError>>,
    {
        if let Some(understudy) =
            self.understudy.as_deref().filter(|understudy| understudy.decides(view, trail.purpose))
        {
            let answer = trail.attempt(Part::Candidate, &understudy.name, &understudy.guarded, &guest).await;
            understudy.decided(answer.is_some());
            if answer.is_some() {
                return Ok(answer);
            }
        }
        let (mut stage, mut part) = (self, Part::Active);
        loop {
            let answer = trail.attempt(part, &stage.serves, &stage.guarded, &guest).await;
            if answer.is_some() {
                return Ok(answer);
            }
            match &stage.on_failure {
                OnFailure::Open => return Ok(None),
                OnFailure::Closed => return Err(Closed),
                OnFailure::Fallback(next) => (stage, part) = (next, Part::Fallback),
            }
        }
    }

    /// The type whose component answered, where one has just done: its own or its fallback's.
    pub(crate) fn answered_by(&self, trail: &Trail) -> &str {
        match (&self.on_failure, trail.calls.last()) {
            (OnFailure::Fallback(next), Some(call)) if call.part == Part::Fallback => &next.serves,
            _ => &self.serves,
        }
    }

    /// The understudy, where this request is one to compare it with the component, which has just answered.
    pub(crate) fn shadowed(&self, view: &View, trail: &Trail) -> Option<Shadowed<'_>> {
        let understudy = self.understudy.as_ref()?;
        let last = trail.calls.last().filter(|call| call.part == Part::Active && call.outcome == OK)?;
        understudy.shadows(view, trail.purpose).then(|| Shadowed { understudy, took: last.took() })
    }
}

/// An understudy that is to be asked what its active component answered, and how long that one took.
#[derive(Debug)]
pub(crate) struct Shadowed<'a> {
    understudy: &'a Arc<Understudy>,
    took: Duration,
}

impl Shadowed<'_> {
    /// The call that is to follow.
    pub(crate) fn with(&self, view: &Arc<View>, head: &RequestHead, question: Question, answer: Answer) -> Behind {
        let (understudy, view) = (Arc::clone(self.understudy), Arc::clone(view));
        Behind { understudy, view, head: head.clone(), question, answer, took: self.took }
    }
}

/// The outcome of a call that was answered.
const OK: &str = "ok";

impl Trail {
    pub(crate) fn of(purpose: Purpose) -> Trail {
        Trail { purpose, ..Trail::default() }
    }

    /// An empty one for calls at the same time.
    pub(crate) fn beside(&self) -> Trail {
        Trail::of(self.purpose)
    }

    pub(crate) fn append(&mut self, mut other: Trail) {
        self.calls.append(&mut other.calls);
        self.degraded.append(&mut other.degraded);
        self.behind.append(&mut other.behind);
    }

    /// One call, unless the breaker is open. What comes of it is written down.
    async fn attempt<T, Answer>(
        &mut self,
        part: Part,
        name: &str,
        guarded: &Guarded,
        guest: &impl Fn(Configured) -> Answer,
    ) -> Option<T>
    where
        Answer: Future<Output = Result<T, CallError>>,
    {
        let started = Instant::now();
        let pass = match self.purpose {
            Purpose::Probe => None,
            Purpose::Traffic => match guarded.admit(started) {
                None => {
                    self.degraded.push(Degraded { component: name.to_owned(), reason: BREAKER_OPEN });
                    return None;
                }
                pass => pass,
            },
        };
        let result = guest(guarded.configured.clone()).await;
        let took = started.elapsed();
        if let Some(pass) = pass {
            guarded.settle(pass, result.as_ref().err(), || started + took);
        }
        let component = guarded.configured.component();
        self.calls.push(CallRecord {
            role: component.description().role.as_str(),
            component: name.to_owned(),
            digest: component.digest().short(),
            part,
            outcome: result.as_ref().map_or_else(CallError::outcome, |_| OK),
            started,
            time_us: took.as_secs_f64() * 1e6,
        });
        result.map_err(|error| self.failed(name, &error)).ok()
    }

    fn failed(&mut self, name: &str, error: &CallError) {
        self.degraded.push(Degraded { component: name.to_owned(), reason: error.outcome() });
        if self.purpose == Purpose::Traffic {
            tracing::warn!(event = "component_failed", component = name, error = %error);
        }
    }
}
