//! The request that a call is about.

use crate::capability::{Embed, EmbedFailure};
use crate::types::{ConversationFacts, SignalMatch};
use std::sync::{Arc, Mutex, PoisonError};
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

    /// What the conversation is made of.
    fn facts(&self) -> ConversationFacts;

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

    /// Where the embeddings of its texts are kept.
    fn embeddings(&self) -> &RequestEmbeddings;
}

/// Most texts of one request that components share. A request asks for one or two: its ask, and what was asked before.
const MOST_SHARED: usize = 8;
/// Longer texts are not kept for sharing: no model reads that far.
const MOST_SHARED_BYTES: usize = 64 << 10;
/// Most failures that are noted.
const MOST_NOTED: usize = 16;

/// The embeddings of one request's texts: each is made when first asked for, then shared by every component.
#[derive(Debug, Default)]
pub struct RequestEmbeddings {
    vectors: Mutex<Vec<(Box<str>, Shared)>>,
    failures: Mutex<Vec<EmbeddingFailed>>,
}

/// The vector of a text, once it is made.
type Shared = Arc<OnceCell<Arc<[f32]>>>;

/// A component went without an embedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingFailed {
    /// The type it serves.
    pub component: String,
    /// `embedding_deadline`, `embedding_overloaded`, `embedding_unavailable` or `embedding_internal`.
    pub reason: &'static str,
}

impl RequestEmbeddings {
    /// A text's vector; made now unless it is there, or waited for when another component's call is making it.
    ///
    /// # Errors
    /// Whatever `embed` says. A failure is not kept: the next caller tries again.
    pub async fn of(&self, text: &str, embed: &dyn Embed, deadline: Instant) -> Result<Arc<[f32]>, EmbedFailure> {
        match self.cell(text) {
            Some(cell) => cell.get_or_try_init(|| embed.embed(text, deadline)).await.cloned(),
            None => embed.embed(text, deadline).await,
        }
    }

    /// Where the vector of a text is shared; nothing when it is not.
    fn cell(&self, text: &str) -> Option<Shared> {
        if text.len() > MOST_SHARED_BYTES {
            return None;
        }
        let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = vectors.iter().find(|(known, _)| **known == *text) {
            return Some(Arc::clone(cell));
        }
        (vectors.len() < MOST_SHARED).then(|| {
            let cell = Arc::default();
            vectors.push((text.into(), Arc::clone(&cell)));
            cell
        })
    }

    /// Remembers that a component had to go without.
    pub(crate) fn note(&self, component: &str, failure: &EmbedFailure) {
        let failed = EmbeddingFailed { component: component.to_owned(), reason: failure.outcome() };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < MOST_NOTED && !failures.contains(&failed) {
            failures.push(failed);
        }
    }

    /// Which components went without an embedding so far, each once for a reason. They may have answered all the same.
    #[must_use]
    pub fn failures(&self) -> Vec<EmbeddingFailed> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Waiting;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Counting(AtomicU32);

    impl Embed for Counting {
        fn available(&self) -> bool {
            true
        }

        fn model(&self) -> Option<&str> {
            Some("counting")
        }

        fn fingerprint(&self) -> Option<&str> {
            Some("counting")
        }

        fn embed<'a>(&'a self, text: &'a str, _: Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                let passes = self.0.fetch_add(1, Ordering::Relaxed);
                if text == "bad" { Err(EmbedFailure::Deadline) } else { Ok([passes as f32].into()) }
            })
        }
    }

    #[tokio::test]
    async fn texts_asked_for_at_once_are_embedded_once_each() {
        let (embeddings, embed) = (RequestEmbeddings::default(), Counting::default());
        let of = |text| embeddings.of(text, &embed, Instant::now());
        let (a, b, again) = tokio::join!(of("a"), of("b"), of("a"));
        assert_eq!(a, again);
        assert_ne!(a, b);
        assert_eq!(embed.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn few_and_short_texts_are_shared() {
        let (embeddings, embed) = (RequestEmbeddings::default(), Counting::default());
        let long = "x".repeat(MOST_SHARED_BYTES + 1);
        for _ in 0..2 {
            embeddings.of(&long, &embed, Instant::now()).await.unwrap();
        }
        assert_eq!(embed.0.load(Ordering::Relaxed), 2);
        for _ in 0..2 {
            for number in 0..MOST_SHARED + 2 {
                embeddings.of(&number.to_string(), &embed, Instant::now()).await.unwrap();
            }
        }
        assert_eq!(embed.0.load(Ordering::Relaxed) as usize, 2 + MOST_SHARED + 2 * 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_but_may_be_noted() {
        let (embeddings, embed) = (RequestEmbeddings::default(), Counting::default());
        for _ in 0..2 {
            let failure = embeddings.of("bad", &embed, Instant::now()).await.unwrap_err();
            embeddings.note("domain", &failure);
        }
        assert_eq!(embed.0.load(Ordering::Relaxed), 2);
        assert_eq!(
            embeddings.failures(),
            [EmbeddingFailed { component: "domain".to_owned(), reason: "embedding_deadline" }]
        );
        (0..100).for_each(|number| embeddings.note(&number.to_string(), &EmbedFailure::Overloaded));
        assert_eq!(embeddings.failures().len(), MOST_NOTED);
    }
}
