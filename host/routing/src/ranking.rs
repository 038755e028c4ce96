//! Which of the matched decisions is taken.

use crate::call::{Closed, Degraded, Stage, Trail};
use crate::profile::Decision;
use crate::question::{Answer, Question};
use crate::view::View;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::types::{MatchedDecision, RequestHead};
use trackside_components::{Configured, Current};

/// A decision whose rules hold.
pub(crate) struct Matched<'a> {
    pub(crate) decision: &'a Decision,
    pub(crate) confidence: f32,
    pub(crate) reason: String,
}

/// Orders the matched decisions, best first. Without an answer from a component the order of the file stands.
pub(crate) async fn rank<'a>(
    ranking: Option<&Stage>,
    mut matched: Vec<Matched<'a>>,
    view: &Arc<View>,
    head: &RequestHead,
    deadline: Instant,
    trail: &mut Trail,
) -> Result<Vec<Matched<'a>>, Closed> {
    let (Some(stage), true) = (ranking, matched.len() > 1) else {
        matched.iter_mut().for_each(|m| "the only one that matched".clone_into(&mut m.reason));
        return Ok(matched);
    };
    let current: Arc<dyn Current> = view.clone();
    let offered: Vec<MatchedDecision> = matched.iter().map(Matched::offered).collect();
    let (current, offered) = (&current, &offered);
    let call = |guest: Configured| async move { guest.rank(current, head, offered, deadline).await };
    let answer = stage.call(view, trail, call).await?;
    if let (Some(order), Some(shadowed)) = (&answer, stage.shadowed(view, trail)) {
        let question = Question::Order(offered.clone());
        trail.behind.push(shadowed.with(view, head, question, Answer::Order(order.clone())));
    }
    let answered = answer.is_some();
    let mut left: Vec<Option<Matched<'a>>> = matched.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    for place in answer.unwrap_or_default() {
        let named = usize::try_from(place.index).ok().and_then(|index| left.get_mut(index)?.take());
        ordered.extend(named.map(|m| Matched { reason: place.reason, ..m }));
    }
    if answered && ordered.is_empty() {
        trail.degraded.push(Degraded { component: stage.serves.clone(), reason: "unusable_order" });
    }
    ordered.extend(left.into_iter().flatten().map(|m| Matched { reason: "in the order of the file".to_owned(), ..m }));
    Ok(ordered)
}

impl Matched<'_> {
    fn offered(&self) -> MatchedDecision {
        MatchedDecision {
            name: self.decision.name.clone(),
            priority: self.decision.priority,
            tier: self.decision.tier,
            confidence: self.confidence,
            extra: Vec::new(),
        }
    }
}
