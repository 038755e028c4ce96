//! The text of JSON strings, both ways.

use std::borrow::Cow;

/// The text of a validated string, given with its quotes. Half a surrogate pair becomes U+FFFD: JSON can spell one, but
/// no text can hold it.
pub(crate) fn decode(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    match memchr::memchr(b'\\', inner) {
        None => Cow::Borrowed(plain(inner)),
        Some(first) => Cow::Owned(unescape(inner, first)),
    }
}

/// The bytes of a key's text, given with its quotes. Most keys are short and plain, so this is quicker than [`decode`].
pub(crate) fn name(quoted: &[u8]) -> Cow<'_, [u8]> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains(&b'\\') { Cow::Owned(decode(quoted).into_owned().into_bytes()) } else { Cow::Borrowed(inner) }
}

/// A text as a JSON string with its quotes.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as the inside of a JSON string.
pub(crate) fn escape(text: &str) -> String {
    let mut quoted = quote(text);
    quoted.pop();
    quoted.split_off(1)
}

fn unescape(inner: &[u8], first: usize) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut next = Some(first);
    while let Some((before, escape)) = next.and_then(|at| rest.split_at_checked(at)) {
        text.push_str(plain(before));
        let (character, length) = character(escape);
        text.push(character);
        rest = escape.get(length..).unwrap_or_default();
        next = memchr::memchr(b'\\', rest);
    }
    text.push_str(plain(rest));
    text
}

/// Text without escapes, which was found to be UTF-8 before.
fn plain(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The character that an escape stands for, and the escape's length.
fn character(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => unicode(escape),
        Some(&itself) => (char::from(itself), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn unicode(escape: &[u8]) -> (char, usize) {
    let unit = hex(escape.get(2..6));
    if let Some(character) = char::from_u32(unit) {
        return (character, 6);
    }
    let behind = if escape.get(6..8) == Some(b"\\u") { hex(escape.get(8..12)) } else { 0 };
    match (unit, behind) {
        (0xD800..0xDC00, 0xDC00..0xE000) => {
            let point = 0x10000 + ((unit - 0xD800) << 10) + (behind - 0xDC00);
            (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

fn hex(digits: Option<&[u8]>) -> u32 {
    let digits = digits.unwrap_or_default().iter();
    digits.fold(0, |number, digit| number << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}
