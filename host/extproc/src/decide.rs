//! The seam to whatever decides about requests.

use crate::observe::Outcome;
use std::{future::Future, sync::Arc};
use trackside_routing::{Answer, Incoming};

/// Decides about complete requests. One value decides for the whole life of a stream, so it must not change under way.
pub trait Decider: Send + Sync + 'static {
    /// What is still to be told of a decision, such as to a log. It is dropped once the answer is out, and tells it then.
    type Untold: Send + 'static;

    /// Decides, by the deadline of the request, and turns every failure into an [`Answer`]. Dropped unfinished when the client
    /// goes away; a panic ends the stream with an error.
    fn decide(&self, incoming: Incoming) -> impl Future<Output = (Answer, Self::Untold)> + Send;

    /// Whether gateways should pick routes again for what it decides, which some have to hear before.
    fn clears_route_cache(&self) -> bool {
        true
    }

    /// Tells an observer about this stream. What has to be known meanwhile, such as the stream's trace, belongs around it.
    fn telling(&self, tell: impl FnOnce()) {
        tell();
    }

    /// The response came, with this status.
    fn answered(&self, _status: u16) {}

    /// The stream is gone. Comes once, last.
    fn ended(&self, _outcome: Outcome) {}
}

/// Where streams get their decider from.
pub trait Live: Send + Sync + 'static {
    /// What decides.
    type Decider: Decider;

    /// The decider of now. Called once per stream, at its first message.
    fn pin(&self) -> Arc<Self::Decider>;
}
