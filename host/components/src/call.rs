//! The one way to run a guest.

use crate::current::Current;
use crate::engine::Engine;
use crate::error::{CallError, Stop};
use crate::limits::{Limits, MemoryMeter};
use crate::state::{Scope, State};
use crate::types::Failure;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

/// What a call may take, and what it is about.
pub(crate) struct Bounds<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a Limits,
    /// From when the time counts.
    pub(crate) start: Instant,
    /// When it is over.
    pub(crate) deadline: Instant,
    pub(crate) request: Option<Arc<dyn Current>>,
}

impl Bounds<'_> {
    fn allowed(&self) -> Duration {
        self.deadline.saturating_duration_since(self.start)
    }

    /// While it is configured, a component may hand over whole banks: as much as it can hold.
    fn output_bytes(&self) -> usize {
        let Limits { output_bytes, memory_bytes, .. } = *self.limits;
        if self.request.is_some() { output_bytes } else { output_bytes.max(memory_bytes) }
    }
}

/// A store that is bounded in memory, stack and host data, and whose code gives control back on every tick: before its
/// deadline it yields to the other tasks of the thread, after it, it is stopped.
pub(crate) fn store(engine: &Engine, scope: Arc<Scope>, limits: &Limits) -> Store<State> {
    let mut store = Store::new(engine.wasmtime(), State::new(scope, MemoryMeter::new(limits)));
    store.limiter(|state| &mut state.memory);
    store.epoch_deadline_callback(|context| {
        if Instant::now() >= context.data().deadline {
            Err(Stop::Deadline.into())
        } else {
            // The runtime's own way to yield lets it look at connections before this guest goes on: a client that has left
            // ends the call.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        }
    });
    store
}

/// Runs guest code. Every instantiation and every call goes through here.
///
/// Two clocks watch the deadline: the epoch stops a guest that computes, and the timer one that waits in a capability,
/// where epochs do not reach. When this returns anything but an answer, or is dropped before it returns, the guest may be
/// half-way through: its store must not be used again.
pub(crate) async fn guarded<T>(
    store: &mut Store<State>,
    bounds: Bounds<'_>,
    work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
) -> Result<T, CallError> {
    store.data_mut().begin(bounds.request.clone(), bounds.deadline);
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(bounds.output_bytes());
    let under_way = bounds.engine.ticker().call();
    let outcome = tokio::time::timeout_at(bounds.deadline.into(), work(store)).await;
    drop(under_way);
    store.data_mut().end();
    match outcome {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(classify(&error, &bounds)),
        Err(_) => Err(CallError::Deadline { allowed: bounds.allowed() }),
    }
}

/// Tells why a guest stopped, by the type of the error. What has no type of its own comes from reading the guest's data:
/// more of it than allowed, or bytes that are not what they should be.
fn classify(error: &wasmtime::Error, bounds: &Bounds<'_>) -> CallError {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Deadline => CallError::Deadline { allowed: bounds.allowed() },
            Stop::Memory => CallError::Memory { limit_bytes: bounds.limits.memory_bytes },
            Stop::Tables => CallError::Tables { limit: bounds.limits.table_elements },
            Stop::Ungranted(_) => CallError::Trap { reason: stop.to_string() },
            Stop::Instantiate(reason) => CallError::Instantiate { reason: reason.clone() },
            Stop::Missing(interface) => CallError::Missing { interface },
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return CallError::Trap { reason: trap.to_string() };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Exhausted;
    }
    CallError::Output { limit_bytes: bounds.output_bytes() }
}

/// A failure that the component reports, cut to what a log line should hold.
pub(crate) fn reported(failure: Failure) -> CallError {
    let cut = |text: String, most: usize| text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned();
    CallError::Failure { kind: cut(failure.kind, 64), message: cut(failure.message, 1024) }
}
