//! A request as it was before its signals were known.

use crate::view::View;
use std::sync::Arc;
use trackside_components::types::{ConversationFacts, SignalMatch};
use trackside_components::{Current, RequestEmbeddings};

/// What is asked beside a request is asked later than the request's own components, and must not see more than they did.
pub(super) struct Earlier(pub(super) Arc<View>);

impl Current for Earlier {
    fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    fn message_count(&self) -> u32 {
        self.0.message_count()
    }

    fn message(&self, index: u32) -> Option<(String, String)> {
        self.0.message(index)
    }

    fn facts(&self) -> ConversationFacts {
        self.0.facts()
    }

    fn field(&self, path: &[String]) -> Option<String> {
        self.0.field(path)
    }

    fn body(&self) -> String {
        self.0.body()
    }

    fn metadata(&self, name: &str) -> Option<String> {
        self.0.metadata(name)
    }

    fn matches(&self) -> Vec<SignalMatch> {
        Vec::new()
    }

    fn id(&self) -> &str {
        self.0.id()
    }

    fn embeddings(&self) -> &RequestEmbeddings {
        self.0.embeddings()
    }
}
