//! The request plugins of the decision, in order, and the edits that they ask for.

use crate::call::{Closed, Degraded, Stage, Trail};
use crate::headers;
use crate::question::{Answer, Question};
use crate::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::types::{Edit, Reply, RequestHead, Route, Verdict};
use trackside_components::{Configured, Current};
use trackside_protocol::Edits;

/// Most edits that one plugin may ask for; the rest is refused.
const MAX_EDITS: usize = 1024;

/// What the plugins made of a request.
pub(crate) struct Edited {
    pub(crate) body: Edits,
    /// Header name to its new value, or to nothing when it is removed.
    pub(crate) headers: BTreeMap<String, Option<String>>,
    pub(crate) runs: Vec<Run>,
    pub(crate) reply: Option<Reply>,
}

/// One plugin call.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) kind: String,
    pub(crate) decision: String,
    pub(crate) status: &'static str,
    pub(crate) took: Duration,
}

/// Runs the plugins until one answers the request or all are through.
pub(crate) async fn run<'a>(
    plugins: impl Iterator<Item = &'a Stage>,
    view: &Arc<View>,
    head: &RequestHead,
    route: &Route,
    deadline: Instant,
    trail: &mut Trail,
) -> Result<Edited, Closed> {
    let current: Arc<dyn Current> = view.clone();
    let mut edited = Edited { body: view.request.edit(), headers: BTreeMap::new(), runs: Vec::new(), reply: None };
    for plugin in plugins {
        let started = Instant::now();
        let current = &current;
        let call = |guest: Configured| async move { guest.on_request(current, head, route, deadline).await };
        let verdict = plugin.call(view, trail, call).await;
        if let (Ok(Some(verdict)), Some(shadowed)) = (&verdict, plugin.shadowed(view, trail)) {
            let question = Question::Edits(route.clone());
            trail.behind.push(shadowed.with(view, head, question, Answer::Edits(verdict.clone())));
        }
        let status = match &verdict {
            Ok(Some(_)) => "success",
            Ok(None) => "skipped",
            Err(Closed) => "failed",
        };
        edited.runs.push(Run {
            kind: plugin.serves.clone(),
            decision: route.decision.clone(),
            status,
            took: started.elapsed(),
        });
        match verdict? {
            Some(Verdict::Proceed(mut edits)) => {
                if edits.len() > MAX_EDITS {
                    edits.truncate(MAX_EDITS);
                    refuse(trail, plugin, &format!("more than {MAX_EDITS} edits"));
                }
                for edit in edits {
                    edited.apply(edit).unwrap_or_else(|reason| refuse(trail, plugin, &reason));
                }
            }
            Some(Verdict::Respond(reply)) => {
                edited.reply = Some(reply);
                break;
            }
            Some(Verdict::Other(_)) | None => {}
        }
    }
    Ok(edited)
}

fn refuse(trail: &mut Trail, plugin: &Stage, reason: &str) {
    tracing::warn!(event = "edit_refused", plugin = plugin.serves, reason);
    trail.degraded.push(Degraded { component: plugin.serves.clone(), reason: "edit_refused" });
}

impl Edited {
    /// Applies one edit.
    ///
    /// # Errors
    /// Why the edit is refused. It then changes nothing, and the plugin's other edits stand.
    fn apply(&mut self, edit: Edit) -> Result<(), String> {
        match edit {
            Edit::SetSystemPrompt(text) => self.body.set_system_prompt(&text),
            Edit::PrependSystemPrompt(text) => self.body.prepend_system_prompt(&text),
            Edit::AppendSystemPrompt(text) => self.body.append_system_prompt(&text),
            Edit::SetField(field) => self.body.set_field(&field.path, &field.json).map_err(|e| e.to_string())?,
            Edit::RemoveField(path) => self.body.remove_field(&path).map_err(|e| e.to_string())?,
            Edit::RetainTools(names) => self.body.retain_tools(&names),
            Edit::SetHeader((name, value)) => self.set_header(&name, Some(value))?,
            Edit::RemoveHeader(name) => self.set_header(&name, None)?,
            Edit::Other((kind, _)) => return Err(format!("no edit is called {kind:?}")),
        }
        Ok(())
    }

    fn set_header(&mut self, name: &str, value: Option<String>) -> Result<(), String> {
        let lower = headers::name(name).ok_or_else(|| format!("header {name:?} may not be changed"))?;
        if !value.as_deref().is_none_or(headers::value) {
            return Err(format!("header {name:?} may not have that value"));
        }
        if self.headers.len() >= headers::MAX_HEADERS && !self.headers.contains_key(&lower) {
            return Err(format!("header {name:?} is one too many"));
        }
        let others = self.headers.iter().filter(|(other, _)| **other != lower);
        let set = others.filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        if !headers::fit(set.chain(value.as_deref().map(|value| (lower.as_str(), value)))) {
            return Err(format!("header {name:?} makes them too long together"));
        }
        self.headers.insert(lower, value);
        Ok(())
    }
}
