//! Metadata rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Failure, failure};

/// One metadata rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// The key that is looked up.
    pub(crate) key: String,
    /// Whose metadata: the client's in the request body when left out.
    #[serde(default)]
    pub(crate) source: Source,
    /// What has to be true of its value.
    predicate: Predicate,
}

/// Who attached the metadata.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The client, in the body's `metadata`. Clients may write what they like there.
    #[default]
    Body,
    /// The gateway: attributes by their name, metadata as `namespace.key`.
    Gateway,
}

/// What has to be true: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Predicate {
    /// The value is this one.
    equals: Option<String>,
    /// The value is one of these.
    #[serde(rename = "in")]
    one_of: Option<Vec<String>>,
    /// There is a value, or there is none.
    exists: Option<bool>,
}

impl Rule {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let invalid = |what: &str| Err(failure("invalid-settings", format!("rule `{}`: {what}", self.name)));
        let Predicate { equals, one_of, exists } = &self.predicate;
        let set = usize::from(equals.is_some()) + usize::from(one_of.is_some()) + usize::from(exists.is_some());
        match (self.key.as_str(), set, one_of) {
            ("", _, _) => invalid("the key is empty"),
            (_, 1, Some(values)) if values.is_empty() => invalid("`in` lists no value and so never holds"),
            (_, 1, _) => Ok(()),
            _ => invalid("the predicate takes exactly one of equals, in and exists"),
        }
    }

    pub(crate) fn holds(&self, value: Option<&str>) -> bool {
        let Predicate { equals, one_of, exists } = &self.predicate;
        match (equals, one_of, exists) {
            (Some(expected), _, _) => value == Some(expected),
            (_, Some(expected), _) => value.is_some_and(|value| expected.iter().any(|one| one == value)),
            (_, _, Some(there)) => value.is_some() == *there,
            _ => false,
        }
    }
}
