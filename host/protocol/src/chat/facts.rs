//! What a conversation is made of: counted on demand, in one pass over its messages.

use super::request::{ChatRequest, content_text};
use crate::json::{Kind, Span, text, walk};

/// Fields that a model reads besides the messages.
const STRUCTURED: [&str; 3] = ["tools", "tool_choice", "response_format"];

/// What a conversation is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of the texts of all messages, in UTF-8.
    pub text_bytes: usize,
    /// Bytes of the JSON of `tools`, `tool_choice`, `response_format`, and of the calls of tools in messages.
    pub structured_bytes: usize,
    /// Messages by role.
    pub messages: Messages,
    /// Tools that the client offers.
    pub tool_definitions: usize,
    /// Calls of tools in all assistant messages.
    pub tool_calls: usize,
    /// Images among the content parts.
    pub images: usize,
    /// Whether the last message is the result of a call, or calls a tool, or is the user's right behind a result.
    pub in_tool_loop: bool,
}

/// How many messages each role has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// `user`.
    pub user: usize,
    /// `assistant`.
    pub assistant: usize,
    /// `system`.
    pub system: usize,
    /// `developer`.
    pub developer: usize,
    /// `tool`, or `function` as it was called: the result of a call.
    pub tool: usize,
    /// Any other.
    pub other: usize,
}

/// What a message does to a tool loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Calls,
    Result,
    User,
    Plain,
}

impl ChatRequest {
    /// Counts what the conversation is made of. Costs a pass over the messages.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let bytes: &[u8] = self.body();
        let mut facts = Facts { tool_definitions: self.tools().count(), ..Facts::default() };
        let structured = STRUCTURED.iter().filter_map(|field| self.value(field));
        let structured = structured.filter(|value| value.kind(bytes) != Some(Kind::Null));
        facts.structured_bytes = structured.map(length).sum();
        let (mut before, mut last) = (Turn::Plain, Turn::Plain);
        for message in self.value("messages").into_iter().flat_map(|messages| walk::elements(bytes, messages)) {
            (before, last) = (last, facts.add(bytes, message));
        }
        facts.in_tool_loop = match last {
            Turn::Calls | Turn::Result => true,
            Turn::User => before == Turn::Result,
            Turn::Plain => false,
        };
        facts
    }
}

impl Facts {
    fn add(&mut self, bytes: &[u8], message: Span) -> Turn {
        let (mut role, mut content, mut calls) = (None, None, None);
        for member in walk::members(bytes, message) {
            match text::name(member.key.of(bytes)).as_ref() {
                b"role" => role = Some(member.value),
                b"content" => content = Some(member.value),
                b"tool_calls" => calls = Some(member.value),
                _ => {}
            }
        }
        if let Some(content) = content {
            self.text_bytes += content_text(bytes, content).len();
            self.images += walk::elements(bytes, content).filter(|part| is_image(bytes, *part)).count();
        }
        let turn = self.count_role(role.map(|role| text::decode(role.of(bytes))).unwrap_or_default().as_ref());
        let calls = calls.filter(|_| turn == Turn::Plain);
        let called = calls.map_or(0, |calls| walk::elements(bytes, calls).count());
        if called == 0 {
            return turn;
        }
        self.tool_calls += called;
        self.structured_bytes += calls.map_or(0, length);
        Turn::Calls
    }

    fn count_role(&mut self, role: &str) -> Turn {
        let (count, turn) = match role {
            "user" => (&mut self.messages.user, Turn::User),
            "assistant" => (&mut self.messages.assistant, Turn::Plain),
            "system" => (&mut self.messages.system, Turn::Plain),
            "developer" => (&mut self.messages.developer, Turn::Plain),
            "tool" | "function" => (&mut self.messages.tool, Turn::Result),
            _ => (&mut self.messages.other, Turn::Plain),
        };
        *count += 1;
        turn
    }
}

fn length(span: Span) -> usize {
    span.end() - span.start()
}

fn is_image(bytes: &[u8], part: Span) -> bool {
    let kind = walk::member(bytes, part, "type").filter(|kind| kind.kind(bytes) == Some(Kind::String));
    kind.is_some_and(|kind| matches!(text::decode(kind.of(bytes)).as_ref(), "image_url" | "input_image" | "image"))
}
