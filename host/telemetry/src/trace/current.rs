//! The trace that is being worked on. What measures a latency is far from where a request's trace is known, and most
//! requests have none: it is asked for here rather than handed through every call.

use super::Context;

tokio::task_local! {
    static CURRENT: Context;
}

impl Context {
    /// Does work for the request of this trace: every latency that it measures leads to the trace. Work that it hands to
    /// other tasks is not meant.
    pub fn within<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The same for work that does not wait.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }
}

/// The trace of the request that is being worked on, if it is kept.
pub(crate) fn current() -> Option<Context> {
    CURRENT.try_with(|context| *context).ok()
}
