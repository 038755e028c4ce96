//! Reading a chat completion body.

use super::edit::Edits;
use super::tools::{self, Tool};
use crate::error::BadRequest;
use crate::json::{Kind, Member, Scanner, Span, text, walk};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

/// A chat completion body: the bytes as they came, and where things are in them.
///
/// It borrows nothing and never changes, so it can be kept, shared and sent between threads. Where a key is repeated,
/// reading takes the last one, as nearly every JSON parser does.
#[derive(Clone)]
pub struct ChatRequest {
    body: Bytes,
    top: Span,
    members: Vec<Member>,
    turns: Vec<Turn>,
    model: String,
    streaming: bool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'r> {
    /// `system`, `developer`, `user`, `assistant`, `tool` or what the client wrote.
    pub role: Cow<'r, str>,
    /// Its text. Of content in parts, the text parts joined by a blank; without content, empty.
    pub text: Cow<'r, str>,
}

/// Where one message has what we read.
#[derive(Clone, Copy, Debug)]
struct Turn {
    role: Span,
    content: Option<Span>,
}

impl ChatRequest {
    /// Reads a body in one pass and checks all of it: it must be one JSON object with a `model` that is not empty and an
    /// array of `messages`, each an object with a `role`.
    ///
    /// # Errors
    /// The first problem in the order of the bytes; what is missing comes last. Nesting deeper than
    /// [`MAX_DEPTH`](crate::MAX_DEPTH), a byte order mark and bodies over 4 GiB are refused too.
    pub fn parse(body: Bytes) -> Result<ChatRequest, BadRequest> {
        let mut scanner = Scanner::open(&body, 0)?;
        match scanner.kind() {
            Some(Kind::Object) => {}
            None if scanner.offset() == body.len() => return Err(BadRequest::empty_body()),
            found => return Err(BadRequest::not_an_object(found, scanner.offset())),
        }
        let mut reading = Reading::default();
        let top =
            scanner.object(|scanner, key| reading.member(scanner, key)).map_err(|refused: Box<BadRequest>| *refused)?;
        scanner.end()?;
        let Reading { members, model, turns, streaming } = reading;
        Ok(ChatRequest {
            top,
            members,
            model: model.ok_or_else(|| BadRequest::missing("model"))?,
            turns: turns.ok_or_else(|| BadRequest::missing("messages"))?,
            streaming,
            body,
        })
    }

    /// The bytes as they came.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The model that the client asks for. Never empty.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the client asks for the answer as a stream of events.
    #[must_use]
    pub fn streaming(&self) -> bool {
        self.streaming
    }

    /// How many messages the conversation has.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.turns.len()
    }

    /// One message, counted from 0.
    #[must_use]
    pub fn message(&self, index: usize) -> Option<Message<'_>> {
        let turn = self.turns.get(index)?;
        Some(Message { role: self.decode(turn.role), text: self.text(turn) })
    }

    /// What the human asks now: the text of the latest user message. When that is empty or there is none, the texts of
    /// all other messages, one a line.
    #[must_use]
    pub fn ask(&self) -> Cow<'_, str> {
        let is_user = |turn: &&Turn| self.decode(turn.role) == "user";
        let latest = self.turns.iter().rev().find(is_user).map(|turn| self.text(turn));
        latest.filter(|text| !text.is_empty()).unwrap_or_else(|| {
            let others = self.turns.iter().filter(|turn| !is_user(turn));
            join(others.map(|turn| self.text(turn)).filter(|text| !text.is_empty()), "\n")
        })
    }

    /// The tools that the client offers, in order. Empty when `tools` is absent or no array.
    pub fn tools(&self) -> impl Iterator<Item = Tool<'_>> {
        self.value("tools").into_iter().flat_map(|value| tools::read(&self.body, value))
    }

    /// The JSON text of a field, by object keys from the top. An empty path names the body's object.
    #[must_use]
    pub fn field(&self, path: &[&str]) -> Option<&str> {
        let value = match path.split_first() {
            None => self.top,
            Some((name, below)) => {
                below.iter().try_fold(self.value(name)?, |value, name| walk::member(&self.body, value, name))?
            }
        };
        Some(value.text(&self.body))
    }

    /// Starts a set of edits.
    #[must_use]
    pub fn edit(&self) -> Edits {
        Edits::default()
    }

    pub(super) fn top(&self) -> Span {
        self.top
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The value of a top-level field.
    pub(super) fn value(&self, name: &str) -> Option<Span> {
        self.members.iter().rev().find(|member| member.is(&self.body, name)).map(|member| member.value)
    }

    fn decode(&self, string: Span) -> Cow<'_, str> {
        text::decode(string.of(&self.body))
    }

    fn text(&self, turn: &Turn) -> Cow<'_, str> {
        turn.content.map_or(Cow::Borrowed(""), |content| content_text(&self.body, content))
    }
}

impl fmt::Debug for ChatRequest {
    /// Leaves the prompt out: what is debugged ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatRequest")
            .field("model", &self.model)
            .field("streaming", &self.streaming)
            .field("messages", &self.turns.len())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The text of a message's content. Of an array these are its strings and the `text` of its objects, whatever their
/// `type`: servers differ in the types they know, and what some model will read must not be hidden from the router.
pub(super) fn content_text(bytes: &[u8], content: Span) -> Cow<'_, str> {
    match content.kind(bytes) {
        Some(Kind::String) => text::decode(content.of(bytes)),
        Some(Kind::Array) => join(walk::elements(bytes, content).filter_map(|part| part_text(bytes, part)), " "),
        _ => Cow::Borrowed(""),
    }
}

fn part_text(bytes: &[u8], part: Span) -> Option<Cow<'_, str>> {
    let string = match part.kind(bytes) {
        Some(Kind::String) => part,
        _ => walk::member(bytes, part, "text")?,
    };
    (string.kind(bytes) == Some(Kind::String)).then(|| text::decode(string.of(bytes)))
}

/// Joins texts, without a copy when there is only one.
fn join<'t>(mut texts: impl Iterator<Item = Cow<'t, str>>, separator: &str) -> Cow<'t, str> {
    let mut joined = texts.next().unwrap_or_default();
    for text in texts {
        let joined = joined.to_mut();
        joined.push_str(separator);
        joined.push_str(&text);
    }
    joined
}

/// What has been read of a body so far.
#[derive(Default)]
struct Reading {
    members: Vec<Member>,
    model: Option<String>,
    turns: Option<Vec<Turn>>,
    streaming: bool,
}

impl Reading {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: Span) -> Result<(), Box<BadRequest>> {
        let value = match text::name(key.of(scanner.bytes())).as_ref() {
            b"model" => {
                let (value, model) = read_model(scanner)?;
                self.model = Some(model);
                value
            }
            b"messages" => {
                let (value, turns) = read_messages(scanner)?;
                self.turns = Some(turns);
                value
            }
            b"stream" => {
                let value = read_stream(scanner)?;
                self.streaming = value.of(scanner.bytes()) == b"true";
                value
            }
            _ => scanner.value()?,
        };
        self.members.push(Member { key, value });
        Ok(())
    }
}

/// Checks a JSON value for one of the fields that every reader of a body relies on. Other fields may hold anything.
pub(super) fn check(field: &str, json: &str) -> Result<(), Box<BadRequest>> {
    let mut scanner = Scanner::open(json.as_bytes(), 1)?;
    match field {
        "model" => read_model(&mut scanner).map(drop),
        "messages" => read_messages(&mut scanner).map(drop),
        "stream" => read_stream(&mut scanner).map(drop),
        _ => Ok(()),
    }
}

fn read_model(scanner: &mut Scanner<'_>) -> Result<(Span, String), Box<BadRequest>> {
    let value = typed(scanner, || "model".to_owned(), "a string", &[Kind::String])?;
    match text::decode(value.of(scanner.bytes())) {
        model if model.is_empty() => Err(Box::new(BadRequest::empty_text("model", value.start()))),
        model => Ok((value, model.into_owned())),
    }
}

fn read_stream(scanner: &mut Scanner<'_>) -> Result<Span, Box<BadRequest>> {
    typed(scanner, || "stream".to_owned(), "a boolean", &[Kind::Boolean, Kind::Null])
}

fn read_messages(scanner: &mut Scanner<'_>) -> Result<(Span, Vec<Turn>), Box<BadRequest>> {
    require(scanner, || "messages".to_owned(), "an array", &[Kind::Array])?;
    let mut turns = Vec::new();
    let value = scanner.array(|scanner| {
        turns.push(read_turn(scanner, turns.len())?);
        Ok::<(), Box<BadRequest>>(())
    })?;
    Ok((value, turns))
}

fn read_turn(scanner: &mut Scanner<'_>, index: usize) -> Result<Turn, Box<BadRequest>> {
    const CONTENT: &[Kind] = &[Kind::String, Kind::Array, Kind::Null];
    let param = |field: &str| format!("messages[{index}]{field}");
    require(scanner, || param(""), "an object", &[Kind::Object])?;
    let (mut role, mut content) = (None, None);
    scanner.object(|scanner, key| {
        match text::name(key.of(scanner.bytes())).as_ref() {
            b"role" => role = Some(typed(scanner, || param(".role"), "a string", &[Kind::String])?),
            b"content" => {
                content = Some(typed(scanner, || param(".content"), "a string, an array or null", CONTENT)?);
            }
            _ => drop(scanner.value()?),
        }
        Ok::<(), Box<BadRequest>>(())
    })?;
    Ok(Turn { role: role.ok_or_else(|| Box::new(BadRequest::missing(param(".role"))))?, content })
}

/// Reads a value of one of some types.
fn typed(
    scanner: &mut Scanner<'_>,
    param: impl Fn() -> String,
    expected: &str,
    kinds: &[Kind],
) -> Result<Span, Box<BadRequest>> {
    require(scanner, param, expected, kinds)?;
    Ok(scanner.value()?)
}

/// Refuses a value of another type. What starts no value at all is left to the scanner to refuse.
fn require(
    scanner: &Scanner<'_>,
    param: impl Fn() -> String,
    expected: &str,
    kinds: &[Kind],
) -> Result<(), Box<BadRequest>> {
    match scanner.kind() {
        Some(found) if !kinds.contains(&found) => {
            Err(Box::new(BadRequest::wrong_type(param(), expected, found, scanner.offset())))
        }
        _ => Ok(()),
    }
}
