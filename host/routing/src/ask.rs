//! The ask: what a human wants of a request that a program wrapped up. Found once, before any signal.

use crate::call::{Closed, Stage, Trail};
use crate::question::{Answer, Question};
use crate::view::View;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::types::RequestHead;
use trackside_components::{Configured, Current};

/// The type that the component serves: there is one ask, so there is one type.
pub(crate) const ASK: &str = "ask";

/// What takes the place of the ask that the client's body shows; nothing when that one stays.
pub(crate) async fn find(
    stage: &Stage,
    view: &Arc<View>,
    head: &RequestHead,
    deadline: Instant,
    trail: &mut Trail,
) -> Result<Option<String>, Closed> {
    let current: Arc<dyn Current> = view.clone();
    let current = &current;
    let call = |guest: Configured| async move { guest.ask(current, head, deadline).await };
    let found = stage.call(view, trail, call).await?;
    if let (Some(ask), Some(shadowed)) = (&found, stage.shadowed(view, trail)) {
        trail.behind.push(shadowed.with(view, head, Question::Ask, Answer::Ask(ask.clone())));
    }
    Ok(found.flatten().map(|ask| ask.text))
}
