//! A span: a stretch of time with a name, and what is known about it.

use std::borrow::Cow;
use std::time::Instant;

/// Most bytes of a text: clients choose paths, ids and models' names.
const TEXT_BYTES: usize = 512;

/// A stretch of the time that a request took.
#[derive(Clone, Debug)]
pub struct Span {
    /// What was done.
    pub name: Cow<'static, str>,
    /// On whose behalf.
    pub kind: Kind,
    /// When it began.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// The span that it is a part of, by its place among the spans of its trace; `None` for the first.
    pub parent: Option<usize>,
    /// What is known about it.
    pub attributes: Vec<(&'static str, Value)>,
    /// In a few words why it failed, if it did.
    pub failure: Option<String>,
}

/// On whose behalf something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For the process itself.
    Internal,
    /// For somebody who asked.
    Server,
    /// By somebody who was asked.
    Client,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text; what is over 512 bytes is cut.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any number.
    Number(f64),
    /// Texts.
    List(Vec<String>),
}

impl Span {
    /// A span without anything known about it.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, parent: Option<usize>, start: Instant, end: Instant) -> Self {
        Self { name: name.into(), kind: Kind::Internal, start, end, parent, attributes: Vec::new(), failure: None }
    }

    /// The same with one thing more known about it; nothing for an empty text or list.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let empty = match &value {
            Value::Text(text) => text.is_empty(),
            Value::List(texts) => texts.is_empty(),
            _ => false,
        };
        if !empty {
            self.attributes.push((name, value));
        }
        self
    }
}

fn short(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or_default().to_owned()
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(short(text))
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.iter().map(|text| short(text)).collect())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
