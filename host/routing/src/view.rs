//! The current request, as components see it through their getters.

use crate::Headers;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use trackside_components::types::{RequestHead, SignalMatch};
use trackside_components::{Current, RequestEmbeddings};
use trackside_protocol::ChatRequest;

/// Headers that carry credentials: no component ever sees them.
const CREDENTIALS: [&str; 6] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

/// One request on its way through the pipeline.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) request: ChatRequest,
    id: String,
    headers: Headers,
    metadata: BTreeMap<String, String>,
    ask: String,
    matches: OnceLock<Vec<SignalMatch>>,
    embeddings: RequestEmbeddings,
}

impl View {
    pub(crate) fn new(
        id: String,
        request: ChatRequest,
        headers: Headers,
        metadata: BTreeMap<String, String>,
    ) -> View {
        let ask = request.ask().to_string();
        let (matches, embeddings) = (OnceLock::new(), RequestEmbeddings::default());
        View { request, id, headers, metadata, ask, matches, embeddings }
    }

    /// What every component gets by value.
    pub(crate) fn head(&self) -> RequestHead {
        RequestHead {
            id: self.id.clone(),
            model: self.request.model().to_owned(),
            dialect: "chat-completions".to_owned(),
            streaming: self.request.streaming(),
            text: self.ask.clone(),
            extra: Vec::new(),
        }
    }

    /// Makes the signals visible to rankings, selectors and plugins. Only the first call has an effect.
    pub(crate) fn found(&self, matches: Vec<SignalMatch>) -> &[SignalMatch] {
        self.matches.get_or_init(|| matches)
    }
}

impl Current for View {
    fn header(&self, name: &str) -> Option<String> {
        let per_user_key = name.starts_with("x-user-") && name.ends_with("-key");
        if CREDENTIALS.contains(&name) || per_user_key {
            return None;
        }
        self.headers.get(name).map(str::to_owned)
    }

    fn message_count(&self) -> u32 {
        u32::try_from(self.request.message_count()).unwrap_or(u32::MAX)
    }

    fn message(&self, index: u32) -> Option<(String, String)> {
        let message = self.request.message(usize::try_from(index).ok()?)?;
        Some((message.role.into_owned(), message.text.into_owned()))
    }

    fn field(&self, path: &[String]) -> Option<String> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.request.field(&path).map(str::to_owned)
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(self.request.body()).into_owned()
    }

    fn metadata(&self, name: &str) -> Option<String> {
        self.metadata.get(name).cloned()
    }

    fn matches(&self) -> Vec<SignalMatch> {
        self.matches.get().cloned().unwrap_or_default()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn embeddings(&self) -> &RequestEmbeddings {
        &self.embeddings
    }
}
