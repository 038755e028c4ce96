//! A component with settings: what requests are handled by.

use crate::abi::v0_1::Exports;
use crate::call::{Bounds, reported};
use crate::component::Component;
use crate::current::Current;
use crate::declared::Kept;
use crate::description::Role;
use crate::error::{CallError, ConfigureError};
use crate::guest::{Code, Guest};
use crate::limits::Limits;
use crate::pool::{InstanceCounts, Pool};
use crate::state::{Scope, State};
use crate::types::{
    Ask, Candidate, Failure, Match, MatchedDecision, RankedDecision, RequestHead, Route, Selection, SignalMatch,
    Verdict,
};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Instant;
use wasmtime::Store;

/// The contract's limit on the detail of a match.
const MOST_DETAIL_BYTES: usize = 256;

/// One component with one value of settings, and its warm instances. Cheap to clone; all clones share the instances. Its
/// calls need a tokio runtime with time, and run in the task that awaits them.
///
/// Every call ends by its deadline: the earlier one of the caller's and of the component's own limit, counted from when an
/// instance was free.
#[derive(Clone)]
pub struct Configured(Arc<Inner>);

/// A configured component that lives only as long as somebody else uses it.
#[derive(Clone)]
pub struct WeakConfigured(Weak<Inner>);

struct Inner {
    component: Component,
    code: Arc<Code>,
    settings: String,
    limits: Limits,
    scope: Arc<Scope>,
    pool: Pool,
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("component", &self.0.component).finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakConfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakConfigured").field("users", &self.0.strong_count()).finish()
    }
}

impl WeakConfigured {
    pub(crate) fn is_used(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// The component, while somebody uses it.
    #[must_use]
    pub fn upgrade(&self) -> Option<Configured> {
        self.0.upgrade().map(Configured)
    }
}

impl Configured {
    pub(crate) async fn new(
        component: Component,
        settings: String,
        limits: Limits,
        scope: Scope,
    ) -> Result<Self, ConfigureError> {
        let name = component.description().serves.clone();
        let (scope, pool) = (Arc::new(scope), Pool::new(limits.instances));
        let failed = |source| match source {
            CallError::Failure { kind, message } => ConfigureError::Refused { component: name.clone(), kind, message },
            source => ConfigureError::Call { component: name.clone(), source },
        };
        let code = component.code().await.map_err(failed)?;
        let configured = Self(Arc::new(Inner { component, code, settings, limits, scope, pool }));
        let start = Instant::now();
        let mut checkout = configured.0.pool.checkout(start).await.map_err(failed)?;
        let guest = configured.instance(start, start + limits.configure_deadline).await.map_err(failed)?;
        let declared = std::mem::take(&mut checkout.fill(guest).store.data_mut().declared);
        let Scope { shelf, capabilities, embed, kept, .. } = &*configured.0.scope;
        let built = Kept::build(declared, shelf, &**embed, &capabilities.vectors).await;
        let built = built.map_err(|(declared, source)| ConfigureError::Build { component: name, declared, source })?;
        kept.get_or_init(|| built);
        checkout.give_back();
        configured.0.component.engine().watch(configured.downgrade());
        Ok(configured)
    }

    /// The component behind it.
    #[must_use]
    pub fn component(&self) -> &Component {
        &self.0.component
    }

    /// The same without keeping it alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakConfigured {
        WeakConfigured(Arc::downgrade(&self.0))
    }

    /// How its instances have fared.
    #[must_use]
    pub fn instances(&self) -> InstanceCounts {
        self.0.pool.counts()
    }

    /// Finds what a human asks; nothing when the ask that the host found is it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn ask(
        &self,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        deadline: Instant,
    ) -> Result<Option<Ask>, CallError> {
        let ask = self
            .call(Role::Ask, request, deadline, async |exports, store| exports.ask()?.call_extract(store, head).await);
        ask.await
    }

    /// Finds the signals in a request. Confidences are made finite and 0 to 1, and details cut.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn evaluate(
        &self,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        deadline: Instant,
    ) -> Result<Vec<Match>, CallError> {
        let found = self.call(Role::Signal, request, deadline, async |exports, store| {
            exports.signal()?.call_evaluate(store, head).await
        });
        let mut found = found.await?;
        for one in &mut found {
            one.confidence = fraction(one.confidence);
            one.detail.truncate(one.detail.floor_char_boundary(MOST_DETAIL_BYTES));
        }
        Ok(found)
    }

    /// Orders matched decisions, best first. Indexes are as the component gave them: check them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn rank(
        &self,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        matched: &[MatchedDecision],
        deadline: Instant,
    ) -> Result<Vec<RankedDecision>, CallError> {
        let ranked = self.call(Role::Ranking, request, deadline, async |exports, store| {
            exports.ranking()?.call_rank(store, head, matched).await
        });
        ranked.await
    }

    /// Orders the candidates of a decision, best first. Indexes are as the component gave them: check them. The confidence
    /// is made finite and 0 to 1.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn select(
        &self,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        decision: &str,
        matches: &[SignalMatch],
        candidates: &[Candidate],
        deadline: Instant,
    ) -> Result<Selection, CallError> {
        let selected = self.call(Role::Selector, request, deadline, async |exports, store| {
            exports.selector()?.call_select(store, head, decision, matches, candidates).await
        });
        let mut selection = selected.await?;
        selection.confidence = fraction(selection.confidence);
        Ok(selection)
    }

    /// Asks what to do with a routed request.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn on_request(
        &self,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        route: &Route,
        deadline: Instant,
    ) -> Result<Verdict, CallError> {
        let verdict = self.call(Role::RequestPlugin, request, deadline, async |exports, store| {
            exports.request()?.call_on_request(store, head, route).await
        });
        verdict.await
    }

    /// Drops the instances that nobody has needed since this was called last, but one.
    pub(crate) fn shrink(&self) {
        drop(self.0.pool.spare());
    }

    /// One call, counted whatever becomes of it.
    async fn call<T>(
        &self,
        role: Role,
        request: &Arc<dyn Current>,
        deadline: Instant,
        work: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<Result<T, Failure>>,
    ) -> Result<T, CallError> {
        let mut observed = Observed { configured: self, role, start: Instant::now(), outcome: "cancelled" };
        let answer = self.call_unobserved(request, deadline, work).await;
        observed.outcome = answer.as_ref().map_or_else(CallError::outcome, |_| "ok");
        answer
    }

    async fn call_unobserved<T>(
        &self,
        request: &Arc<dyn Current>,
        deadline: Instant,
        work: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<Result<T, Failure>>,
    ) -> Result<T, CallError> {
        let Inner { component, limits, pool, .. } = &*self.0;
        let mut checkout = pool.checkout(deadline.min(Instant::now() + limits.deadline)).await?;
        if checkout.guest().is_none() {
            let start = Instant::now();
            let guest = self.instance(start, deadline.min(start + limits.configure_deadline)).await?;
            checkout.fill(guest);
        }
        let Some(guest) = checkout.guest() else { return Err(CallError::Exhausted) };
        let start = Instant::now();
        let deadline = deadline.min(start + limits.deadline);
        let request = Some(Arc::clone(request));
        let bounds = Bounds { engine: component.engine(), limits, start, deadline, request };
        let answer = guest.call(bounds, work).await?;
        checkout.give_back();
        answer.map_err(reported)
    }

    /// A new instance that has taken the settings.
    async fn instance(&self, start: Instant, deadline: Instant) -> Result<Guest, CallError> {
        let Inner { component, code, settings, limits, scope, .. } = &*self.0;
        let bounds = Bounds { engine: component.engine(), limits, start, deadline, request: None };
        let started = Guest::start(code, Arc::clone(scope), bounds, async |exports, store| {
            exports.lifecycle.call_configure(store, settings).await
        });
        let (mut guest, taken) = started.await?;
        taken.map_err(reported)?;
        if let Some(kept) = scope.kept.get() {
            let declared = std::mem::take(&mut guest.store.data_mut().declared);
            kept.check(&declared).map_err(|name| CallError::Failure {
                kind: "invalid-call".to_owned(),
                message: format!("configure declared \"{name}\" otherwise than the first time"),
            })?;
        }
        Ok(guest)
    }
}

/// Tells the metrics about a call when it ends, or when its caller drops it.
struct Observed<'a> {
    configured: &'a Configured,
    role: Role,
    start: Instant,
    outcome: &'static str,
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        let component = &self.configured.component().description().serves;
        let metrics = &self.configured.0.scope.capabilities.metrics;
        metrics.call(component, self.role, self.outcome, self.start.elapsed());
    }
}

fn fraction(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 }
}
