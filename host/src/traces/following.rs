//! What is kept of a request while its stream is open: a few times, and what was decided. No word of the prompt.

use super::Traces;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use trackside_extproc::Outcome;
use trackside_routing::{Answer, DecisionRecord, Incoming};
use trackside_telemetry::trace::Context;

/// Follows one stream.
#[derive(Debug)]
pub(crate) struct Following {
    traces: Traces,
    opened: Instant,
    trace: OnceLock<Context>,
    /// Nothing before the request is complete, and nothing of a request whose trace is not kept.
    seen: Mutex<Option<Exchange>>,
}

/// One request, as far as it came.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(super) context: Context,
    pub(super) request: Request,
    pub(super) opened: Instant,
    /// When the request was complete.
    pub(super) complete: Instant,
    pub(super) verdict: Option<(Instant, Verdict)>,
    /// When the response came, and its status.
    pub(super) answered: Option<(Instant, u16)>,
    pub(super) ended: Instant,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) method: String,
    /// Without the query, which may hold keys.
    pub(super) path: String,
    pub(super) bytes: usize,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Verdict {
    Forward(Arc<DecisionRecord>),
    Respond(u16, Option<Arc<DecisionRecord>>),
}

impl Following {
    pub(crate) fn new(traces: Traces) -> Self {
        Self { traces, opened: Instant::now(), trace: OnceLock::new(), seen: Mutex::default() }
    }

    /// The request is complete.
    pub(crate) fn asked(&self, incoming: &Incoming) {
        let Some(context) = self.traces.begin(incoming.headers.get("traceparent")) else { return };
        // A stream asks once.
        let _ = self.trace.set(context);
        let header = |name| incoming.headers.get(name).unwrap_or_default();
        let path = header(":path").split('?').next().unwrap_or_default();
        let request = Request {
            id: incoming.id.clone(),
            method: header(":method").to_owned(),
            path: path.to_owned(),
            bytes: incoming.body.len(),
        };
        let now = Instant::now();
        let exchange = Exchange {
            context,
            request,
            opened: self.opened,
            complete: now,
            verdict: None,
            answered: None,
            ended: now,
            outcome: Outcome::Cancelled,
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    }

    /// The trace of the request, if it is kept; nothing before the request is complete.
    pub(crate) fn trace(&self) -> Option<Context> {
        self.trace.get().copied()
    }

    /// The decision is there.
    pub(crate) fn decided(&self, answer: &Answer) {
        self.note(|seen| {
            let verdict = match answer {
                Answer::Forward(forward) => Verdict::Forward(Arc::clone(&forward.record)),
                Answer::Respond(reply) => Verdict::Respond(reply.status, reply.record.clone()),
            };
            seen.verdict = Some((Instant::now(), verdict));
        });
    }

    /// The response has come.
    pub(crate) fn answered(&self, status: u16) {
        self.note(|seen| seen.answered = Some((Instant::now(), status)));
    }

    /// The stream is gone.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(seen) = seen {
            self.traces.end(Exchange { ended: Instant::now(), outcome, ..seen });
        }
    }

    fn note(&self, note: impl FnOnce(&mut Exchange)) {
        if let Some(seen) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            note(seen);
        }
    }
}
