//! The current request, as components see it through their getters.

use crate::Headers;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use trackside_components::types::{ConversationFacts, RequestHead, SignalMatch};
use trackside_components::{Current, RequestEmbeddings};
use trackside_protocol::{ChatRequest, Facts};

/// Headers that carry credentials: no component ever sees them.
const CREDENTIALS: [&str; 6] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];

/// Headers by which clients name the conversation that a request belongs to, the plainest first.
const SESSION: [&str; 2] = ["x-session-id", "x-claude-code-session-id"];

/// One request on its way through the pipeline.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) request: ChatRequest,
    id: String,
    headers: Headers,
    metadata: BTreeMap<String, String>,
    /// Headers that nobody vouches for.
    hidden: Arc<[String]>,
    ask: String,
    /// Counted when a component asks for the first time: that is a pass over the body.
    facts: OnceLock<ConversationFacts>,
    matches: OnceLock<Vec<SignalMatch>>,
    embeddings: RequestEmbeddings,
}

impl View {
    pub(crate) fn new(
        id: String,
        request: ChatRequest,
        headers: Headers,
        metadata: BTreeMap<String, String>,
        hidden: Arc<[String]>,
    ) -> View {
        let ask = request.ask().to_string();
        let (facts, matches, embeddings) = (OnceLock::new(), OnceLock::new(), RequestEmbeddings::default());
        View { request, id, headers, metadata, hidden, ask, facts, matches, embeddings }
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

    /// What stays the same for all requests of one conversation: the session that the client names, or else the request's
    /// own id.
    pub(crate) fn session(&self) -> &str {
        let named = SESSION.iter().find_map(|name| self.headers.get(name).filter(|session| !session.is_empty()));
        named.unwrap_or(&self.id)
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Whether a header, by its lower-case name, is nothing that a component may see.
    fn hides(&self, name: &str) -> bool {
        let per_user_key = name.starts_with("x-user-") && name.ends_with("-key");
        CREDENTIALS.contains(&name) || per_user_key || self.hidden.iter().any(|hidden| hidden == name)
    }

    /// Makes the signals visible to rankings, selectors and plugins. Only the first call has an effect.
    pub(crate) fn found(&self, matches: Vec<SignalMatch>) -> &[SignalMatch] {
        self.matches.get_or_init(|| matches)
    }
}

impl Current for View {
    fn header(&self, name: &str) -> Option<String> {
        if self.hides(name) {
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

    fn facts(&self) -> ConversationFacts {
        self.facts.get_or_init(|| conversation(&self.request.facts())).clone()
    }

    fn field(&self, path: &[String]) -> Option<String> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.request.field(&path).map(str::to_owned)
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(self.request.body()).into_owned()
    }

    fn metadata(&self, name: &str) -> Option<String> {
        // An attribute may be a header, as in `request.headers['cookie']`, or all of them.
        let mut words = name.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        if name.ends_with("headers") || words.any(|word| self.hides(&word.to_ascii_lowercase())) {
            return None;
        }
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

/// Counts in the words of the contract.
fn conversation(facts: &Facts) -> ConversationFacts {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    ConversationFacts {
        text_bytes: bytes(facts.text_bytes),
        structured_bytes: bytes(facts.structured_bytes),
        user_messages: count(facts.messages.user),
        assistant_messages: count(facts.messages.assistant),
        system_messages: count(facts.messages.system),
        developer_messages: count(facts.messages.developer),
        tool_messages: count(facts.messages.tool),
        other_messages: count(facts.messages.other),
        tool_definitions: count(facts.tool_definitions),
        tool_calls: count(facts.tool_calls),
        images: count(facts.images),
        in_tool_loop: facts.in_tool_loop,
        extra: Vec::new(),
    }
}
