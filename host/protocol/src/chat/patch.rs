//! A sequence of edits folded into one change per field.

use super::edit::{Edit, EditError};
use super::fields::{Base, Fields};
use super::request::ChatRequest;
use super::tools;
use crate::json::{Span, Splices};
use std::collections::BTreeSet;

/// All changes to one body.
#[derive(Debug, Default)]
pub(super) struct Patch<'e>(Fields<'e>);

impl<'e> Patch<'e> {
    pub(super) fn fold(edits: &'e [Edit], request: &'e ChatRequest) -> Patch<'e> {
        let mut patch = Patch::default();
        for edit in edits {
            match edit {
                Edit::Set { path, json } => patch.0.put(path, Base::Given(json.into())),
                Edit::Remove { path } => patch.0.put(path, Base::Removed),
                Edit::Prompt(placement, text) => patch.0.change("messages").prompt.place(*placement, text),
                Edit::RetainTools(names) => patch.retain_tools(names, request),
            }
        }
        patch
    }

    /// The splices that make the changes in the client's body.
    pub(super) fn splices<'t>(&self, request: &'t ChatRequest) -> Result<Splices<'t>, EditError> {
        let mut splices = Splices::new(request.body());
        self.0.merge(request.top(), request.members(), &mut splices)?;
        Ok(splices)
    }

    /// Gives `tools` the value that is left. A `tool_choice` that asks for a tool that went goes too: upstreams refuse one
    /// without the other.
    fn retain_tools(&mut self, names: &[String], request: &'e ChatRequest) {
        let Some((bytes, tools)) = self.current("tools", request) else { return };
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let left = tools::retain(bytes, tools, |name| names.contains(name));
        let choice = self.current("tool_choice", request).and_then(|(bytes, choice)| tools::name(bytes, choice));
        let choice_went = match &left {
            None => true,
            Some(left) if left == tools.text(bytes) => false,
            Some(_) => choice.is_some_and(|name| !names.contains(name.as_ref())),
        };
        // Set even when nothing went: an earlier `tools` in the same body may hold others.
        self.0.start("tools", left.map_or(Base::Removed, |left| Base::Given(left.into())));
        if choice_went {
            self.0.start("tool_choice", Base::Removed);
        }
    }

    /// The value of a top-level field as the edits so far leave it.
    fn current<'s>(&'s self, name: &str, request: &'s ChatRequest) -> Option<(&'s [u8], Span)> {
        match self.0.base(name) {
            Base::Removed => None,
            Base::Given(json) => Some((json.as_bytes(), Span::new(0..json.len()))),
            Base::Client => Some((request.body(), request.value(name)?)),
        }
    }
}
