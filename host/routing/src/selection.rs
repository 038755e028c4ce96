//! Which candidate of the decision takes the request.

use crate::call::{Closed, Degraded, Stage, Trail};
use crate::profile::{Decision, Target};
use crate::question::{Answer, Question};
use crate::view::View;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::types::{Candidate, RequestHead, SignalMatch};
use trackside_components::{Configured, Current};

/// The candidates of a decision and the component that chooses among them.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) targets: Vec<Target>,
    /// What the component is shown, in the order of `targets`.
    pub(crate) candidates: Vec<Candidate>,
    /// Absent with fewer than two candidates.
    pub(crate) selector: Option<Stage>,
}

impl Selection {
    /// What the component is asked, beside the request.
    pub(crate) fn question(&self, decision: &str, matches: &[SignalMatch]) -> Question {
        let (decision, candidates) = (decision.to_owned(), self.candidates.clone());
        Question::Choice { decision, matches: matches.to_vec(), candidates }
    }
}

/// A target with how it came to be chosen.
pub(crate) struct Chosen<'a> {
    pub(crate) target: &'a Target,
    pub(crate) algorithm: &'a str,
    pub(crate) reason: String,
}

/// Chooses a target: the only one, or the selector's choice, or the first one when the selector has none.
/// `None` when the decision names no model.
pub(crate) async fn select<'a>(
    decision: &'a Decision,
    view: &Arc<View>,
    head: &RequestHead,
    matches: &[SignalMatch],
    deadline: Instant,
    trail: &mut Trail,
) -> Result<Option<Chosen<'a>>, Closed> {
    let selection = &decision.selection;
    let Some(first) = selection.targets.first() else { return Ok(None) };
    let Some(stage) = &selection.selector else {
        let reason = if selection.targets.len() == 1 { "the only candidate" } else { "the first candidate" };
        return Ok(Some(Chosen { target: first, algorithm: "single", reason: reason.to_owned() }));
    };
    let current: Arc<dyn Current> = view.clone();
    let current = &current;
    let call = |guest: Configured| async move {
        guest.select(current, head, &decision.name, matches, &selection.candidates, deadline).await
    };
    let answer = stage.call(view, trail, call).await?;
    if let (Some(choice), Some(shadowed)) = (&answer, stage.shadowed(view, trail)) {
        let question = selection.question(&decision.name, matches);
        trail.behind.push(shadowed.with(view, head, question, Answer::Choice(choice.clone())));
    }
    let usable = |index| selection.targets.get(usize::try_from(index).ok()?);
    let answered = answer.is_some();
    let mut choices = answer.into_iter().flat_map(|answer| answer.choices);
    let choice = choices.find_map(|choice| Some((usable(choice.index)?, choice.reason)));
    if answered && choice.is_none() {
        trail.degraded.push(Degraded { component: stage.serves.clone(), reason: "unusable_choice" });
    }
    let (target, reason) = choice.unwrap_or_else(|| (first, "no usable answer: the first candidate".to_owned()));
    Ok(Some(Chosen { target, algorithm: stage.answered_by(trail), reason }))
}
