//! The request that a call is about.

use crate::capability::{Embed, EmbedFailure};
use crate::types::SignalMatch;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OnceCell;

/// One request, as components may read it beyond its head. Implementations should borrow what they can: a getter's
/// result is copied into the component.
pub trait Current: Send + Sync {
    /// The first value of a request header, by lower-case name. Must not show credentials.
    fn header(&self, name: &str) -> Option<String>;

    /// How many messages the conversation has.
    fn message_count(&self) -> u32;

    /// Role and text of one message, counted from 0.
    fn message(&self, index: u32) -> Option<(String, String)>;

    /// A field of the client's body as JSON text, by object keys from the top.
    fn field(&self, path: &[String]) -> Option<String>;

    /// The client's body. Asked only by components that said they need it.
    fn body(&self) -> String;

    /// What the gateway attached to the request under this name.
    fn metadata(&self, name: &str) -> Option<String>;

    /// Signals found so far.
    fn matches(&self) -> Vec<SignalMatch>;

    /// The request's id, for log lines.
    fn id(&self) -> &str;

    /// The ask: what `similarities` compares.
    fn text(&self) -> &str;

    /// Where the ask's embedding is kept.
    fn embedding(&self) -> &RequestEmbedding;
}

/// The embedding of one request's ask: made when first asked for, then shared by every component.
#[derive(Debug, Default)]
pub struct RequestEmbedding(OnceCell<Arc<[f32]>>);

impl RequestEmbedding {
    /// The vector; made now unless it is there, or waited for when another component's call is making it.
    ///
    /// # Errors
    /// Whatever `embed` says. A failure is not kept: the next caller tries again.
    pub async fn of(&self, text: &str, embed: &dyn Embed, deadline: Instant) -> Result<Arc<[f32]>, EmbedFailure> {
        self.0.get_or_try_init(|| embed.embed(text, deadline)).await.cloned()
    }
}
