//! What a case says is to come out, held against what does.

use crate::question::{Answer, Question};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use trackside_components::types::{Candidate, Edit, Match, MatchedDecision, RankedDecision, Reply, Selection, Verdict};

/// How far numbers may lie apart: a confidence is a 32-bit float.
const TOLERANCE: f64 = 1e-4;

/// What is to come out; which of these depends on the role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expect {
    /// Exactly these rules, in any order.
    Matches(Vec<Found>),
    /// The decisions in this order.
    Order(Vec<String>),
    /// The adapter or model that comes first.
    Choice(String),
    /// Exactly these edits, in order.
    Edits(Vec<Change>),
    /// This answer to the client.
    Reply(Told),
    /// This ask; `null` when the one that the host found stays.
    Ask(Option<String>),
    /// A failure of this kind, of the call or of `configure`.
    Failure(String),
}

/// A rule that is found. What is not given may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    rule: String,
    confidence: Option<f64>,
    value: Option<f64>,
    detail: Option<String>,
}

/// One edit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    SetSystemPrompt(String),
    PrependSystemPrompt(String),
    AppendSystemPrompt(String),
    SetField { path: Vec<String>, value: Value },
    RemoveField(Vec<String>),
    RetainTools(Vec<String>),
    SetHeader { name: String, value: String },
    RemoveHeader(String),
}

/// An answer to the client. What is not given may be anything; a body that is no string is compared as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    status: u16,
    body: Option<Value>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Expect {
    /// Holds an answer against what was expected.
    ///
    /// # Errors
    /// Tells the answer, as far as it matters.
    pub(super) fn check(&self, question: &Question, answer: &Answer) -> Result<(), String> {
        let (holds, came) = match (self, question, answer) {
            (Expect::Matches(expected), _, Answer::Signals(found)) => (matches(expected, found), shown_matches(found)),
            (Expect::Order(expected), Question::Order(matched), Answer::Order(order)) => {
                let names = names(order, matched);
                (names == *expected, format!("the order {}", names.join(", ")))
            }
            (Expect::Choice(expected), Question::Choice { candidates, .. }, Answer::Choice(selection)) => {
                let first = first(selection, candidates);
                (first == Some(expected), format!("the choice {}", first.unwrap_or("of nothing")))
            }
            (Expect::Edits(expected), _, Answer::Edits(Verdict::Proceed(edits))) => {
                let holds = expected.len() == edits.len() && expected.iter().zip(edits).all(|(e, edit)| e.is(edit));
                (holds, format!("the edits {edits:?}"))
            }
            (Expect::Reply(expected), _, Answer::Edits(Verdict::Respond(reply))) => {
                (expected.is(reply), format!("the reply {reply:?}"))
            }
            (Expect::Ask(expected), _, Answer::Ask(ask)) => {
                let came = ask.as_ref().map(|ask| &ask.text);
                (came == expected.as_ref(), format!("the ask {came:?}"))
            }
            (_, _, answer) => (false, format!("{answer:?}")),
        };
        if holds { Ok(()) } else { Err(came) }
    }

    /// Whether a failure of this kind was expected.
    pub(super) fn is_failure(&self, kind: &str) -> bool {
        matches!(self, Expect::Failure(expected) if expected == kind)
    }
}

fn close(expected: Option<f64>, came: Option<f64>) -> bool {
    expected.is_none_or(|expected| came.is_some_and(|came| (expected - came).abs() <= TOLERANCE))
}

fn matches(expected: &[Found], found: &[Match]) -> bool {
    let is = |expected: &Found, came: &Match| {
        expected.rule == came.rule
            && close(expected.confidence, Some(f64::from(came.confidence)))
            && close(expected.value, came.value)
            && expected.detail.as_ref().is_none_or(|detail| *detail == came.detail)
    };
    expected.len() == found.len() && expected.iter().all(|expected| found.iter().any(|came| is(expected, came)))
}

fn shown_matches(found: &[Match]) -> String {
    let shown = |m: &Match| {
        let value = m.value.map(|value| format!(", value {value}")).unwrap_or_default();
        format!("{} (confidence {}{value}, detail {:?})", m.rule, m.confidence, m.detail)
    };
    match found {
        [] => "no match".to_owned(),
        found => found.iter().map(shown).collect::<Vec<_>>().join(", "),
    }
}

/// As the host orders: decisions that are not named come last.
fn names(order: &[RankedDecision], matched: &[MatchedDecision]) -> Vec<String> {
    let mut left: Vec<Option<&MatchedDecision>> = matched.iter().map(Some).collect();
    let mut names = Vec::with_capacity(left.len());
    for place in order {
        let named = usize::try_from(place.index).ok().and_then(|index| left.get_mut(index)?.take());
        names.extend(named.map(|decision| decision.name.clone()));
    }
    names.extend(left.into_iter().flatten().map(|decision| decision.name.clone()));
    names
}

/// The first choice that is among the candidates.
fn first<'a>(selection: &Selection, candidates: &'a [Candidate]) -> Option<&'a str> {
    let candidate = |index| candidates.get(usize::try_from(index).ok()?);
    let chosen = selection.choices.iter().find_map(|choice| candidate(choice.index))?;
    Some(chosen.adapter.as_deref().unwrap_or(&chosen.model))
}

impl Change {
    fn is(&self, edit: &Edit) -> bool {
        match (self, edit) {
            (Change::SetSystemPrompt(expected), Edit::SetSystemPrompt(came))
            | (Change::PrependSystemPrompt(expected), Edit::PrependSystemPrompt(came))
            | (Change::AppendSystemPrompt(expected), Edit::AppendSystemPrompt(came))
            | (Change::RemoveHeader(expected), Edit::RemoveHeader(came)) => expected == came,
            (Change::RemoveField(expected), Edit::RemoveField(came))
            | (Change::RetainTools(expected), Edit::RetainTools(came)) => expected == came,
            (Change::SetField { path, value }, Edit::SetField(came)) => {
                *path == came.path && serde_json::from_str::<Value>(&came.json).is_ok_and(|came| *value == came)
            }
            (Change::SetHeader { name, value }, Edit::SetHeader(came)) => (name, value) == (&came.0, &came.1),
            _ => false,
        }
    }
}

impl Told {
    fn is(&self, reply: &Reply) -> bool {
        let body = match &self.body {
            None => true,
            Some(Value::String(expected)) => *expected == reply.body,
            Some(expected) => serde_json::from_str::<Value>(&reply.body).is_ok_and(|came| *expected == came),
        };
        let has = |(name, value): (&String, &String)| {
            reply.headers.iter().any(|(given, is)| given.eq_ignore_ascii_case(name) && is == value)
        };
        self.status == reply.status && body && self.headers.iter().all(has)
    }
}
