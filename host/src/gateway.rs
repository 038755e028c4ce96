//! Joins the ExtProc service to the pipeline and to the metrics.

use crate::reload::{Generation, Reloads};
use crate::traces::{Following, Traces};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use trackside_extproc::{Decider, Decoded, Encoding, Flow, Live, MessageKind, Observer, Outcome, Shed, Undecided};
use trackside_routing::{Answer, Incoming, ReasonCode, Untold};
use trackside_telemetry::Metrics;

/// Pins the live generation for each stream, and follows streams whose traces are wanted.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) reloads: Reloads,
    pub(crate) traces: Option<Traces>,
}

/// One stream's generation, for both directions.
#[derive(Debug)]
pub(crate) struct Pinned {
    generation: Arc<Generation>,
    following: Option<Following>,
}

impl Live for Router {
    type Decider = Pinned;

    fn pin(&self) -> Arc<Pinned> {
        Arc::new(Pinned { generation: self.reloads.pin(), following: self.traces.clone().map(Following::new) })
    }
}

impl Decider for Pinned {
    type Untold = Untold;

    async fn decide(&self, incoming: Incoming) -> (Answer, Untold) {
        let following = self.following.as_ref();
        following.inspect(|following| following.asked(&incoming));
        let trace = following.and_then(Following::trace);
        // Pinned here, as it is big and would be moved into either arm.
        let route = pin!(self.generation.snapshot.decide(incoming));
        let (answer, untold) = match trace {
            Some(trace) => trace.within(route).await,
            None => route.await,
        };
        following.inspect(|following| following.decided(&answer));
        (answer, untold)
    }

    fn clears_route_cache(&self) -> bool {
        self.generation.snapshot.clears_route_cache()
    }

    fn telling(&self, tell: impl FnOnce()) {
        match self.following.as_ref().and_then(Following::trace) {
            Some(trace) => trace.during(tell),
            None => tell(),
        }
    }

    fn answered(&self, status: u16) {
        self.following.as_ref().inspect(|following| following.answered(status));
    }

    fn ended(&self, outcome: Outcome) {
        self.following.as_ref().inspect(|following| following.ended(outcome));
    }
}

/// Counts what happens on streams. What is decided on them is counted where it is decided.
#[derive(Debug)]
pub(crate) struct Counted(pub(crate) Arc<Metrics>);

impl Observer for Counted {
    fn opened(&self) {
        self.0.stream_opened();
    }

    fn message(&self, kind: MessageKind) {
        self.0.stream_message(kind.as_str());
    }

    fn handled(&self, kind: MessageKind, took: Duration) {
        self.0.stream_phase(kind.as_str(), took);
    }

    fn collected(&self, took: Duration) {
        self.0.stream_phase("collecting", took);
    }

    fn decided(&self, answer: &Answer, took: Duration) {
        self.0.stream_phase("deciding", took);
        if answer.record().is_some_and(|record| record.reason_code == ReasonCode::DecisionTimeout) {
            self.0.decision_timed_out();
        }
    }

    fn body(&self, flow: Flow, bytes: usize) {
        self.0.body_bytes(flow.as_str(), bytes);
    }

    fn held(&self, change: i64) {
        self.0.body_held(change);
    }

    fn coded(&self, encoding: Option<Encoding>, outcome: Decoded) {
        self.0.body_encoding(encoding.map_or("other", Encoding::as_str), outcome.as_str());
    }

    fn shed(&self, why: Shed) {
        self.0.shed(why.as_str());
    }

    fn undecided(&self, why: Undecided) {
        self.0.undecided(why.as_str());
    }

    fn closed(&self, outcome: Outcome, open: Duration) {
        self.0.stream_closed(outcome.as_str(), open);
    }
}
