//! Changing a text in places: collected in order, applied in one copy.

use super::{Span, text};

/// Replacements for stretches of one text, ascending and apart from one another.
#[derive(Debug)]
pub(crate) struct Splices<'t> {
    bytes: &'t [u8],
    list: Vec<(Span, String)>,
}

impl<'t> Splices<'t> {
    pub(crate) fn new(bytes: &'t [u8]) -> Splices<'t> {
        Splices { bytes, list: Vec::new() }
    }

    /// The text as it was.
    pub(crate) fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts `text` in the place of `span`. Does nothing when it says the same already.
    pub(crate) fn replace(&mut self, span: Span, text: impl Into<String>) {
        let text = text.into();
        if span.of(self.bytes) != text.as_bytes() {
            self.list.push((span, text));
        }
    }

    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(Span::new(at..at), text);
    }

    /// Removes an item of an object or array, with one comma. `before` is the item in front of it if any in front is kept,
    /// `behind` the one that follows.
    pub(crate) fn cut(&mut self, before: Option<Span>, gone: Span, behind: Option<Span>) {
        let (start, end) = match (before, behind) {
            (Some(before), _) => (before.end(), gone.end()),
            (None, Some(behind)) => (gone.start(), behind.start()),
            (None, None) => (gone.start(), gone.end()),
        };
        match self.list.last_mut() {
            // A run of a million removed items is one splice.
            Some((span, text)) if text.is_empty() && span.end() == start => *span = Span::new(span.start()..end),
            _ => self.replace(Span::new(start..end), ""),
        }
    }

    /// How long the changed text is, bytes.
    pub(crate) fn length(&self) -> usize {
        let gone: usize = self.list.iter().map(|(span, _)| span.end() - span.start()).sum();
        let new: usize = self.list.iter().map(|(_, text)| text.len()).sum();
        self.bytes.len() - gone + new
    }

    /// The changed text: one allocation, one copy.
    pub(crate) fn apply(&self) -> Vec<u8> {
        let mut changed = Vec::with_capacity(self.length());
        let mut done = 0;
        for (span, text) in &self.list {
            changed.extend_from_slice(self.bytes.get(done..span.start()).unwrap_or_default());
            changed.extend_from_slice(text.as_bytes());
            done = span.end();
        }
        changed.extend_from_slice(self.bytes.get(done..).unwrap_or_default());
        changed
    }

    /// The changed text as text, for spans that end where values do.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.apply()).unwrap_or_default()
    }
}

/// The blanks of a text around some place, so that what is inserted there looks like its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style<'t> {
    /// Behind a colon.
    colon: &'t str,
    /// Behind a comma.
    comma: &'t str,
}

impl<'t> Style<'t> {
    pub(crate) fn compact() -> Style<'t> {
        Style { colon: "", comma: "" }
    }

    /// Repeats the blanks in front of `item` behind commas, and those in front of `value`, which stands behind a colon,
    /// behind colons. Where `item` has none, because it comes right after a bracket, `value` speaks for both.
    pub(crate) fn like(bytes: &'t [u8], item: Option<Span>, value: Span) -> Style<'t> {
        let colon = blanks_before(bytes, value.start());
        let comma = item.map_or("", |item| blanks_before(bytes, item.start()));
        Style { colon, comma: if comma.is_empty() { colon } else { comma } }
    }

    pub(crate) fn comma(self) -> &'t str {
        self.comma
    }

    /// `"key": value`.
    pub(crate) fn member(self, key: &str, value: &str) -> String {
        format!("{}:{}{value}", text::quote(key), self.colon)
    }

    /// An object of two strings on one line.
    pub(crate) fn pair(self, first: (&str, &str), second: (&str, &str)) -> String {
        let first = self.member(first.0, &text::quote(first.1));
        format!("{{{first},{}{}}}", self.colon, self.member(second.0, &text::quote(second.1)))
    }
}

/// The longest run of blanks that is repeated: someone may send a megabyte of them.
const MAX_BLANKS: usize = 64;

fn blanks_before(bytes: &[u8], at: usize) -> &str {
    let before = bytes.get(at.saturating_sub(MAX_BLANKS + 1)..at).unwrap_or_default();
    let count = before.iter().rev().take_while(|byte| b" \t\r\n".contains(byte)).count();
    if count > MAX_BLANKS { "" } else { Span::new(at - count..at).text(bytes) }
}
