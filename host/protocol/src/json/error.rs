//! Why a text is not JSON.

use super::MAX_DEPTH;

/// A place where a text breaks the grammar of RFC 8259 or one of our limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {offset}")]
pub struct JsonError {
    /// What is wrong there.
    pub fault: JsonFault,
    /// Bytes from the start of the text.
    pub offset: usize,
}

/// What can be wrong with a text that should be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// The text stops inside a value.
    #[error("unexpected end")]
    End,
    /// No value starts here.
    #[error("expected a value")]
    Value,
    /// No field name starts here.
    #[error("expected a field name in double quotes")]
    Key,
    /// A field name without its colon.
    #[error("expected `:`")]
    Colon,
    /// An object goes on without a comma, or does not end.
    #[error("expected `,` or `}}`")]
    CommaOrBrace,
    /// An array goes on without a comma, or does not end.
    #[error("expected `,` or `]`")]
    CommaOrBracket,
    /// A backslash with something behind it that no escape allows.
    #[error("invalid escape")]
    Escape,
    /// A raw control character inside a string.
    #[error("unescaped control character in a string")]
    Control,
    /// Bytes in a string that are not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// A number that stops early or has a zero in front.
    #[error("invalid number")]
    Number,
    /// Arrays and objects enclose one another too often.
    #[error("nesting deeper than {MAX_DEPTH}")]
    Depth,
    /// Something stands behind the value.
    #[error("unexpected text behind the value")]
    Trailing,
    /// The text is over 4 GiB.
    #[error("text over 4 GiB")]
    Size,
}
