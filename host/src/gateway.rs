//! Joins the ExtProc service to the pipeline and to the metrics.

use std::sync::Arc;
use std::time::Duration;
use trackside_extproc::{Decider, Live, MessageKind, Observer, Outcome};
use trackside_routing::{self as routing, Answer, Incoming, Snapshot};
use trackside_telemetry::Metrics;

/// Pins the live snapshot for each stream.
#[derive(Debug)]
pub(crate) struct Router(pub(crate) Arc<routing::Live>);

/// One stream's snapshot.
#[derive(Debug)]
pub(crate) struct Pinned(Arc<Snapshot>);

impl Live for Router {
    type Decider = Pinned;

    fn pin(&self) -> Arc<Pinned> {
        Arc::new(Pinned(self.0.pin()))
    }
}

impl Decider for Pinned {
    async fn decide(&self, incoming: Incoming) -> Answer {
        self.0.route(incoming).await
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

    fn decided(&self, _: &Answer, _: Duration) {}

    fn closed(&self, outcome: Outcome, _: Duration) {
        self.0.stream_closed(outcome.as_str());
    }
}
