//! The seam to whatever decides about requests.

use std::{future::Future, sync::Arc};
use trackside_routing::{Answer, Incoming};

/// Decides about complete requests. One value decides for the whole life of a stream, so it must not change under way.
pub trait Decider: Send + Sync + 'static {
    /// Decides. Bounds its own time, and turns every failure into an [`Answer`]. Dropped unfinished when the client
    /// goes away; a panic ends the stream with an error.
    fn decide(&self, incoming: Incoming) -> impl Future<Output = Answer> + Send;
}

/// Where streams get their decider from.
pub trait Live: Send + Sync + 'static {
    /// What decides.
    type Decider: Decider;

    /// The decider of now. Called once per stream, at its first message.
    fn pin(&self) -> Arc<Self::Decider>;
}
