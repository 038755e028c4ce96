//! A trait per role. A component implements [`Component`] and exactly one role.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Ask, Candidate, Failure, Match, MatchedDecision, Pairs, RankedDecision, RequestHead, Route, Selection, SignalMatch,
    Verdict,
};

/// Something that the host prepares only when a component asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The ask, in the request head.
    Text,
    /// The embedding of the ask.
    Embedding,
    /// The client's body.
    Body,
    /// The body of the answer.
    ResponseBody,
    /// The events of a streamed answer.
    ResponseEvents,
}

impl Need {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Embedding => "embedding",
            Self::Body => "body",
            Self::ResponseBody => "response-body",
            Self::ResponseEvents => "response-events",
        }
    }
}

/// The failure policy that a component asks for. The configuration may overrule it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// What is usual for the role.
    RoleDefault,
    /// Go on as if the component had answered nothing.
    Open,
    /// Refuse the request.
    Closed,
    /// Ask the component that serves this type instead.
    Fallback(&'static str),
}

impl OnFailure {
    pub(crate) fn word(self) -> String {
        match self {
            Self::RoleDefault => String::new(),
            Self::Open => "open".into(),
            Self::Closed => "closed".into(),
            Self::Fallback(serves) => format!("fallback:{serves}"),
        }
    }
}

/// What every component says of itself, and how it comes to be.
pub trait Component: Sized + 'static {
    /// Its settings. Doc comments on the fields become the descriptions in the schema.
    type Settings: DeserializeOwned + JsonSchema;
    /// The configuration type it serves, such as `keyword`.
    const SERVES: &'static str;
    /// What the host has to prepare for it.
    const NEEDS: &'static [Need] = &[];
    /// The failure policy it asks for.
    const ON_FAILURE: OnFailure = OnFailure::RoleDefault;

    /// Makes the component from its settings.
    ///
    /// # Errors
    /// When the settings have the right shape and still make no sense; the configuration is then refused.
    fn configure(settings: Self::Settings) -> Result<Self, Failure>;
}

/// Finds what a human asks in a request that a program wrapped up.
pub trait AskExtraction: Component {
    /// Tells what the human asks; `None` leaves the ask that the host found.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn extract(&self, head: &RequestHead) -> Result<Option<Ask>, Failure>;
}

/// Finds signals in a request.
pub trait Signal: Component {
    /// Tells every rule that is present.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn evaluate(&self, head: &RequestHead) -> Result<Vec<Match>, Failure>;
}

/// Orders the decisions whose rules hold.
pub trait Ranking: Component {
    /// Orders the matched decisions, best first. The list is never empty.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn rank(&self, head: &RequestHead, matched: &[MatchedDecision]) -> Result<Vec<RankedDecision>, Failure>;
}

/// Chooses among the candidates of a decision.
pub trait Selector: Component {
    /// Orders the candidates, best first. The list holds at least two.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn select(
        &self,
        head: &RequestHead,
        decision: &str,
        matches: &[SignalMatch],
        candidates: &[Candidate],
    ) -> Result<Selection, Failure>;
}

/// Edits a request, or answers it.
pub trait RequestPlugin: Component {
    /// Decides what to do with one routed request.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn on_request(&self, head: &RequestHead, route: &Route) -> Result<Verdict, Failure>;
}

/// Reads complete answers.
pub trait ResponsePlugin: Component {
    /// Sees an answer that is not a stream of events.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn on_response(
        &self,
        head: &RequestHead,
        route: &Route,
        status: u16,
        headers: &Pairs,
        body: &str,
    ) -> Result<Verdict, Failure>;
}

/// Reads streamed answers.
pub trait ResponseStream: Component {
    /// Sees the data of one event, and returns what the client gets in its place.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn on_event(&self, request_id: &str, data: &str) -> Result<Vec<String>, Failure>;

    /// The stream has ended; what is returned goes out as last events.
    ///
    /// # Errors
    /// When it cannot tell. The failure policy takes over.
    fn on_end(&self, request_id: &str) -> Result<Vec<String>, Failure>;
}

/// A failure: a short stable word for counters, and a sentence for the operator that does not quote the prompt.
pub fn failure(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.into(), message: message.into() }
}

/// A match without a value of its own: predicates then compare the confidence.
pub fn matched(rule: &str, confidence: f32, detail: impl Into<String>) -> Match {
    Match { rule: rule.into(), confidence, value: None, detail: detail.into(), extra: Vec::new() }
}
