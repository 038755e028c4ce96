//! How a component introduces itself, once it is checked.

use std::fmt;
use std::str::FromStr;

/// What a component does in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Finds what a human asks.
    Ask,
    /// Finds signals in a request.
    Signal,
    /// Orders the decisions that match.
    Ranking,
    /// Chooses among the candidates of a decision.
    Selector,
    /// Edits a request, or answers it.
    RequestPlugin,
    /// Reads an answer.
    ResponsePlugin,
}

impl Role {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ask, Self::Signal, Self::Ranking, Self::Selector, Self::RequestPlugin, Self::ResponsePlugin];

    /// Its word in the contract, in logs and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Signal => "signal",
            Self::Ranking => "ranking",
            Self::Selector => "selector",
            Self::RequestPlugin => "request-plugin",
            Self::ResponsePlugin => "response-plugin",
        }
    }

    /// The failure policy where neither the configuration nor the component names one.
    #[must_use]
    pub fn default_policy(self) -> FailurePolicy {
        match self {
            Self::Ask | Self::Signal | Self::RequestPlugin | Self::ResponsePlugin => FailurePolicy::Open,
            Self::Ranking => FailurePolicy::Fallback("priority".to_owned()),
            Self::Selector => FailurePolicy::Fallback("static".to_owned()),
        }
    }
}

/// A word that is not what the contract lists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is not {expected}")]
pub struct UnknownWord {
    found: String,
    expected: &'static str,
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| UnknownWord {
            found: word.to_owned(),
            expected: "a role: ask, signal, ranking, selector, request-plugin or response-plugin",
        })
    }
}

/// Something that the host prepares only for components that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// The ask.
    Text,
    /// The ask's embedding.
    Embedding,
    /// The client's whole body.
    Body,
    /// The whole body of the answer.
    ResponseBody,
    /// The events of a streamed answer.
    ResponseEvents,
}

impl FromStr for Need {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "text" => Ok(Self::Text),
            "embedding" => Ok(Self::Embedding),
            "body" => Ok(Self::Body),
            "response-body" => Ok(Self::ResponseBody),
            "response-events" => Ok(Self::ResponseEvents),
            _ => Err(UnknownWord {
                found: word.to_owned(),
                expected: "a need: text, embedding, body, response-body or response-events",
            }),
        }
    }
}

/// What happens to a request when a component fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// As if the component had returned nothing.
    Open,
    /// The request is answered with an error.
    Closed,
    /// The component that serves this type takes over.
    Fallback(String),
}

impl FromStr for FailurePolicy {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => match word.strip_prefix("fallback:") {
                Some(name) if is_type_name(name) => Ok(Self::Fallback(name.to_owned())),
                _ => Err(UnknownWord {
                    found: word.to_owned(),
                    expected: "a failure policy: open, closed or fallback:<type>",
                }),
            },
        }
    }
}

impl fmt::Display for FailurePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Closed => f.write_str("closed"),
            Self::Fallback(name) => write!(f, "fallback:{name}"),
        }
    }
}

/// What a component is. Everything in it has been checked.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its role. The matching interface is exported.
    pub role: Role,
    /// The configuration type that it serves, such as `keyword`.
    pub serves: String,
    /// Its own version, for people.
    pub version: String,
    /// JSON Schema of its settings.
    pub schema: serde_json::Value,
    /// What it reads.
    pub needs: Vec<Need>,
    /// The failure policy that it asks for, or else its role's.
    pub on_failure: FailurePolicy,
}

/// Whether a word can be a type in the configuration: it becomes a key there and a label in metrics.
pub(crate) fn is_type_name(word: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&word.len()) && word.bytes().all(letters)
}
