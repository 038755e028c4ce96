//! Context rules as the configuration writes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use trackside_sdk::{Failure, failure};

/// One context rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    name: String,
    /// Fewest tokens; 0 when left out.
    #[serde(default)]
    min_tokens: Tokens,
    /// Most tokens; no bound when left out.
    #[serde(default)]
    max_tokens: Option<Tokens>,
}

impl Rule {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn holds(&self, tokens: u64) -> bool {
        tokens >= self.min_tokens.0 && self.max_tokens.is_none_or(|most| tokens <= most.0)
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        match (self.min_tokens, self.max_tokens) {
            (Tokens(least), Some(Tokens(most))) if least > most => Err(failure(
                "invalid-settings",
                format!("rule `{}`: min_tokens is {least} and max_tokens {most}, so that it never holds", self.name),
            )),
            _ => Ok(()),
        }
    }
}

/// A number of tokens: `8000`, `8K`, `1.5M`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens(u64);

impl Tokens {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, factor) = match text.strip_suffix(['K', 'k']) {
            Some(number) => (number, 1e3),
            None => text.strip_suffix(['M', 'm']).map_or((text, 1.0), |number| (number, 1e6)),
        };
        let number = number.trim_end();
        // What else `f64` reads (`inf`, `1e3`, `+1`) is no count of tokens.
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Self::from_float(number.parse::<f64>().ok().filter(|_| plain)? * factor)
    }

    fn from_float(tokens: f64) -> Option<Self> {
        (0.0..=1e15).contains(&tokens).then_some(Self(tokens as u64))
    }
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

const EXPECTED: &str = "a number of tokens such as 8000, 8K or 1.5M";

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Tokens;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_u64<E: Error>(self, tokens: u64) -> Result<Tokens, E> {
        Ok(Tokens(tokens))
    }

    fn visit_f64<E: Error>(self, tokens: f64) -> Result<Tokens, E> {
        Tokens::from_float(tokens).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(tokens), &EXPECTED))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tokens, E> {
        Tokens::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &EXPECTED))
    }
}

impl JsonSchema for Tokens {
    fn schema_name() -> Cow<'static, str> {
        "Tokens".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of tokens; K is a thousand and M a million.",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*[0-9]*\.?[0-9]+\s*[KkMm]?\s*$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_with_and_without_a_unit() {
        for (json, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("1.5", Some(1)),
            (r#""4096""#, Some(4096)),
            (r#""8K""#, Some(8000)),
            (r#""8k""#, Some(8000)),
            (r#"" 1.5 M ""#, Some(1_500_000)),
            (r#""0.5K""#, Some(500)),
            (r#""8KB""#, None),
            (r#""-1""#, None),
            (r#""1e3""#, None),
            (r#""inf""#, None),
            (r#""""#, None),
            (r#""K""#, None),
            ("-1", None),
            ("true", None),
            ("1e40", None),
        ] {
            let read = serde_json::from_str::<Tokens>(json).ok();
            assert_eq!(read, expected.map(Tokens), "{json}");
        }
        let refused = serde_json::from_str::<Tokens>(r#""many""#).unwrap_err().to_string();
        assert!(refused.contains("expected a number of tokens such as 8000, 8K or 1.5M"), "{refused}");
    }
}
