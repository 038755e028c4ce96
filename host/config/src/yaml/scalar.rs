//! What a plain scalar means. Text stays as written until a reader asks for a type, so that `version: 1.10` can be
//! a name and `enabled: yes` a boolean.

use serde_json::{Number, Value as Json};

/// A scalar as written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// Whether the text alone decides the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// Quoted, a block, or tagged as a string: text, whatever it looks like.
    Text,
}

impl Scalar {
    fn plain(&self) -> Option<&str> {
        (self.style == Style::Plain).then_some(self.text.as_str())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.plain(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// A boolean where one is expected: YAML 1.1's words too, as v0.3 reads them.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.plain()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        let text = self.plain()?.replace('_', "");
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.strip_prefix('+').unwrap_or(&text)),
        };
        let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => (16, digits.get(2..)?),
            Some("0o") => (8, digits.get(2..)?),
            Some("0b") => (2, digits.get(2..)?),
            _ => (10, digits),
        };
        // A second sign would pass the standard parser.
        digits.starts_with(|c: char| c.is_ascii_hexdigit()).then_some(())?;
        i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        if let Some(int) = self.as_int() {
            #[expect(clippy::cast_precision_loss, reason = "a float is asked for")]
            return Some(int as f64);
        }
        let text = self.plain()?.replace('_', "");
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        (text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) && text.chars().all(is_number))
            .then(|| text.parse().ok())?
            .filter(|n: &f64| n.is_finite())
    }

    /// As JSON where no type is expected. `yes` and `no` stay words here: they are answers, languages and keywords as often as booleans.
    pub(crate) fn to_json(&self) -> Json {
        if self.is_null() {
            return Json::Null;
        }
        match self.plain() {
            Some("true" | "True" | "TRUE") => Json::Bool(true),
            Some("false" | "False" | "FALSE") => Json::Bool(false),
            _ => self.number_json().unwrap_or_else(|| Json::String(self.text.clone())),
        }
    }

    /// As a JSON number, whole where it is whole.
    pub(crate) fn number_json(&self) -> Option<Json> {
        match self.as_int() {
            Some(int) => Some(Json::from(int)),
            None => self.as_number().and_then(Number::from_f64).map(Json::Number),
        }
    }
}
