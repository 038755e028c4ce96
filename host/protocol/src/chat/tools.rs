//! The tools that a request offers to the model.

use crate::json::{Kind, Span, Splices, text, walk};
use std::borrow::Cow;

/// One offered tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool<'r> {
    /// The name that the model calls it by: `function.name`, or a `name` beside it; built-in tools of a provider have none.
    pub name: Option<Cow<'r, str>>,
    /// The whole tool as JSON text.
    pub json: &'r str,
}

pub(super) fn read(bytes: &[u8], tools: Span) -> impl Iterator<Item = Tool<'_>> {
    walk::elements(bytes, tools).map(|tool| Tool { name: name(bytes, tool), json: tool.text(bytes) })
}

/// The name that a tool bears, or that a `tool_choice` asks for.
pub(super) fn name(bytes: &[u8], tool: Span) -> Option<Cow<'_, str>> {
    let function = walk::member(bytes, tool, "function").and_then(|function| walk::member(bytes, function, "name"));
    let string = function.or_else(|| walk::member(bytes, tool, "name"))?;
    (string.kind(bytes) == Some(Kind::String)).then(|| text::decode(string.of(bytes)))
}

/// An array of tools without those whose names `keep` refuses; `None` when none is left. What is no array, or empty,
/// stays as it is.
pub(super) fn retain(bytes: &[u8], tools: Span, keep: impl Fn(&str) -> bool) -> Option<String> {
    let json = tools.of(bytes);
    let mut splices = Splices::new(json);
    let mut tools = walk::elements(json, Span::new(0..json.len())).peekable();
    let (mut before, mut any_kept) = (None, tools.peek().is_none());
    while let Some(tool) = tools.next() {
        if name(json, tool).is_some_and(|name| keep(&name)) {
            any_kept = true;
        } else {
            splices.cut(before.filter(|_| any_kept), tool, tools.peek().copied());
        }
        before = Some(tool);
    }
    any_kept.then(|| splices.text())
}
