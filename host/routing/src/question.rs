//! What a component is asked and what it answers, whatever its role, as values that can be kept and compared.
//!
//! The pipeline asks without these, so that a request copies nothing. They serve where a component is asked beside it.

use std::sync::Arc;
use std::time::Instant;
use trackside_components::types::{
    Ask, Candidate, Match, MatchedDecision, RankedDecision, RequestHead, Route, Selection, SignalMatch, Verdict,
};
use trackside_components::{CallError, Configured, Current};

/// What is asked, beside the request itself.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Ask,
    Signals,
    Order(Vec<MatchedDecision>),
    Choice { decision: String, matches: Vec<SignalMatch>, candidates: Vec<Candidate> },
    Edits(Route),
}

/// What a component answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Ask(Option<Ask>),
    Signals(Vec<Match>),
    Order(Vec<RankedDecision>),
    Choice(Selection),
    Edits(Verdict),
}

impl Question {
    /// Asks a component.
    pub(crate) async fn put(
        &self,
        to: &Configured,
        request: &Arc<dyn Current>,
        head: &RequestHead,
        deadline: Instant,
    ) -> Result<Answer, CallError> {
        match self {
            Question::Ask => to.ask(request, head, deadline).await.map(Answer::Ask),
            Question::Signals => to.evaluate(request, head, deadline).await.map(Answer::Signals),
            Question::Order(matched) => to.rank(request, head, matched, deadline).await.map(Answer::Order),
            Question::Choice { decision, matches, candidates } => {
                to.select(request, head, decision, matches, candidates, deadline).await.map(Answer::Choice)
            }
            Question::Edits(route) => to.on_request(request, head, route, deadline).await.map(Answer::Edits),
        }
    }
}
