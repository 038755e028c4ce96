//! JSON as text with positions: validated once, then read and spliced where it lies.

mod error;
mod scan;
mod splice;
pub(crate) mod text;
pub(crate) mod walk;

pub use error::{JsonError, JsonFault};
pub(crate) use scan::Scanner;
pub(crate) use splice::{Splices, Style};

use std::fmt;
use std::ops::Range;

/// How many arrays and objects may enclose one another in a body, the body's own object included.
pub const MAX_DEPTH: usize = 128;

/// A stretch of a text, in bytes. Of a string it includes the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    // Half the size of two `usize`: a body of a million values keeps a million of these. Texts over 4 GiB are refused.
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Span {
        let fit = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: fit(range.start), end: fit(range.end) }
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    /// What lies there.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    /// What lies there, as text. A validated text is UTF-8 between any two of its spans' ends.
    pub(crate) fn text(self, bytes: &[u8]) -> &str {
        std::str::from_utf8(self.of(bytes)).unwrap_or_default()
    }

    /// The type of the value there.
    pub(crate) fn kind(self, bytes: &[u8]) -> Option<Kind> {
        self.of(bytes).first().copied().and_then(Kind::starting)
    }
}

/// One member of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) key: Span,
    pub(crate) value: Span,
}

impl Member {
    /// From its key to the end of its value.
    pub(crate) fn whole(self) -> Span {
        Span { start: self.key.start, end: self.value.end }
    }

    /// Whether its key means `name`, however it is escaped.
    pub(crate) fn is(self, bytes: &[u8], name: &str) -> bool {
        *text::name(self.key.of(bytes)) == *name.as_bytes()
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

impl Kind {
    /// The type that a value starting with this byte has.
    pub(crate) fn starting(byte: u8) -> Option<Kind> {
        Some(match byte {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b'-' | b'0'..=b'9' => Kind::Number,
            b't' | b'f' => Kind::Boolean,
            b'n' => Kind::Null,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Boolean => "a boolean",
            Kind::Null => "null",
        })
    }
}
