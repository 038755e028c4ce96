//! From what a decision allows to edits of a body. Needs no host.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use trackside_sdk::{Edit, FieldValue};

/// What v0.3 lets through when unknown parameters are stripped.
const KNOWN: [&str; 19] = [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "messages",
    "model",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

/// The newer name of `max_tokens`. Without it a request would be unlimited.
const COMPLETION_TOKENS: &str = "max_completion_tokens";

/// What a decision allows.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) blocked: Vec<String>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_n: Option<u64>,
    pub(crate) strip_unknown: bool,
}

impl Policy {
    /// The edits; `field` reads a field of the client's body, all of it for an empty path.
    pub(crate) fn edits(&self, field: &dyn Fn(&[String]) -> Option<String>) -> Vec<Edit> {
        let mut removed: BTreeSet<String> = self.blocked.iter().cloned().collect();
        if self.strip_unknown {
            let known = |name: &String| KNOWN.contains(&name.as_str()) || name == COMPLETION_TOKENS;
            removed.extend(field(&[]).map(|body| names(&body)).unwrap_or_default().into_iter().filter(|n| !known(n)));
        }
        let limits = [("max_tokens", self.max_tokens), (COMPLETION_TOKENS, self.max_tokens), ("n", self.max_n)];
        let mut edits = Vec::new();
        for (name, limit) in limits {
            let Some(limit) = limit.filter(|_| !removed.contains(name)) else { continue };
            match field(&[name.to_owned()]).map(|json| within(&json, limit)) {
                Some(Within::Yes) | None => {}
                Some(Within::No) => edits.push(set(name, limit)),
                Some(Within::Never) => edits.push(remove(name)),
            }
        }
        edits.extend(removed.iter().map(|name| remove(name)));
        edits
    }
}

/// How a value stands to a limit.
enum Within {
    Yes,
    No,
    /// It is a fraction, which no server reads and which must not get around the limit.
    Never,
}

fn within(json: &str, limit: u64) -> Within {
    match json.parse::<f64>() {
        Ok(value) if value.fract() != 0.0 => Within::Never,
        Ok(value) if value > limit as f64 => Within::No,
        _ => Within::Yes,
    }
}

fn set(name: &str, limit: u64) -> Edit {
    Edit::SetField(FieldValue { path: vec![name.to_owned()], json: limit.to_string() })
}

fn remove(name: &str) -> Edit {
    Edit::RemoveField(vec![name.to_owned()])
}

/// The names at the top of a body.
fn names(body: &str) -> Vec<String> {
    serde_json::from_str(body).map(|Names(names)| names).unwrap_or_default()
}

struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = members.next_entry()? {
            names.push(name);
        }
        Ok(Names(names))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// One line of `cases/params.json`: what is allowed, a body, and the edits as `name` (removed) or `name=value`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        #[serde(default)]
        blocked: Vec<String>,
        max_tokens: Option<u64>,
        max_n: Option<u64>,
        #[serde(default)]
        strip_unknown: bool,
        body: Value,
        edits: Vec<String>,
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/params.json")).unwrap();
        assert!(cases.len() >= 20, "{} cases", cases.len());
        for Case { name, blocked, max_tokens, max_n, strip_unknown, body, edits } in cases {
            let field =
                |path: &[String]| path.iter().try_fold(&body, |value, key| value.get(key)).map(ToString::to_string);
            let made = Policy { blocked, max_tokens, max_n, strip_unknown }.edits(&field);
            let made: Vec<String> = made
                .into_iter()
                .map(|edit| match edit {
                    Edit::RemoveField(path) => path.join("."),
                    Edit::SetField(field) => format!("{}={}", field.path.join("."), field.json),
                    other => format!("{other:?}"),
                })
                .collect();
            assert_eq!(made, edits, "{name}");
        }
    }
}
