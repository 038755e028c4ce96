//! Changing the system prompt of a conversation.

use super::edit::EditError;
use super::fields::MAX_REPEATS;
use crate::json::{Kind, Member, Span, Splices, Style, text, walk};

/// What stands between two prompts in one message.
const BLANK_LINE: &str = "\n\n";

/// Where a text goes in the system prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// In the place of what is there, and of every edit before.
    Whole,
    Before,
    Behind,
}

/// All changes to one system prompt.
#[derive(Debug, Default)]
pub(super) struct Prompt<'e> {
    whole: Option<&'e str>,
    /// The latest one stands first in the message.
    before: Vec<&'e str>,
    behind: Vec<&'e str>,
}

impl<'e> Prompt<'e> {
    pub(super) fn place(&mut self, placement: Placement, text: &'e str) {
        match placement {
            Placement::Whole => *self = Prompt { whole: Some(text), ..Prompt::default() },
            Placement::Before => self.before.push(text),
            Placement::Behind => self.behind.push(text),
        }
    }

    /// Changes the first message of `messages` when it is a system prompt, else adds one in front.
    pub(super) fn splice(&self, messages: Span, splices: &mut Splices<'_>) -> Result<(), EditError> {
        let text = self.text();
        if text.is_empty() && self.whole.is_none() {
            return Ok(());
        }
        let bytes = splices.bytes();
        let first = walk::elements(bytes, messages).next();
        match first.map(|message| walk::members(bytes, message)) {
            Some(members) if is_system(bytes, &members) => return self.change(&members, &text, splices),
            _ if text.is_empty() => {}
            _ => add(&text, messages, first, splices),
        }
        Ok(())
    }

    fn change(&self, members: &[Member], text: &str, splices: &mut Splices<'_>) -> Result<(), EditError> {
        let bytes = splices.bytes();
        let contents = || members.iter().filter(|member| member.is(bytes, "content"));
        match (contents().count(), members.last()) {
            (0, Some(last)) => {
                let style = Style::like(bytes, Some(last.key), last.value);
                let content = style.member("content", &text::quote(text));
                splices.insert(last.value.end(), format!(",{}{content}", style.comma()));
            }
            (count, _) if count > MAX_REPEATS => return Err(EditError::Repeated { field: "content".to_owned() }),
            _ => contents().for_each(|content| self.change_content(content.value, text, splices)),
        }
        Ok(())
    }

    fn change_content(&self, content: Span, text: &str, splices: &mut Splices<'_>) {
        let is_empty_string = content.of(splices.bytes()) == b"\"\"";
        let before = ended(joined(self.before.iter().rev()));
        let behind = begun(joined(&self.behind));
        match content.kind(splices.bytes()) {
            Some(Kind::String) if self.whole.is_none() && !is_empty_string => {
                splices.insert(content.start() + 1, text::escape(&before));
                splices.insert(content.end() - 1, text::escape(&behind));
            }
            Some(Kind::Array) if self.whole.is_none() => frame(content, &before, &behind, text, splices),
            _ => splices.replace(content, text::quote(text)),
        }
    }

    /// The prompt where there is nothing to keep.
    fn text(&self) -> String {
        joined(self.before.iter().rev().chain(&self.whole).chain(&self.behind))
    }
}

/// Adds a system message in front of the others.
fn add(text: &str, messages: Span, first: Option<Span>, splices: &mut Splices<'_>) {
    let style = Style::like(splices.bytes(), first, messages);
    let message = style.pair(("role", "system"), ("content", text));
    match first {
        Some(first) => splices.insert(first.start(), format!("{message},{}", style.comma())),
        None => splices.insert(messages.start() + 1, message),
    }
}

/// Adds text parts around the parts that are there, which may be images or marked for a cache and stay as they are. The
/// blank line goes into the new part: chat templates put the texts of parts one after another with nothing between.
fn frame(content: Span, before: &str, behind: &str, text: &str, splices: &mut Splices<'_>) {
    let mut parts = walk::elements(splices.bytes(), content);
    let first = parts.next();
    let style = Style::like(splices.bytes(), first, content);
    let part = |text: &str| style.pair(("type", "text"), ("text", text));
    let Some(first) = first else {
        return splices.insert(content.start() + 1, part(text));
    };
    let last = parts.last().unwrap_or(first);
    if !before.is_empty() {
        splices.insert(first.start(), format!("{},{}", part(before), style.comma()));
    }
    if !behind.is_empty() {
        splices.insert(last.end(), format!(",{}{}", style.comma(), part(behind)));
    }
}

/// Newer OpenAI models call the system prompt the developer's.
fn is_system(bytes: &[u8], message: &[Member]) -> bool {
    let role = message.iter().rev().find(|member| member.is(bytes, "role"));
    role.is_some_and(|role| matches!(text::decode(role.value.of(bytes)).as_ref(), "system" | "developer"))
}

/// Prompts with blank lines between. An empty one adds nothing.
fn joined<'t>(prompts: impl IntoIterator<Item = &'t &'t str>) -> String {
    let mut text = String::new();
    for prompt in prompts.into_iter().filter(|prompt| !prompt.is_empty()) {
        if !text.is_empty() {
            text.push_str(BLANK_LINE);
        }
        text.push_str(prompt);
    }
    text
}

fn ended(text: String) -> String {
    if text.is_empty() { text } else { text + BLANK_LINE }
}

fn begun(text: String) -> String {
    if text.is_empty() { text } else { BLANK_LINE.to_owned() + &text }
}
