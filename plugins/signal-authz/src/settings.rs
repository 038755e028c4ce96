//! Role bindings as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// Gives a role to users and groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBinding {
    /// Its own name, for people.
    pub(crate) name: String,
    /// The role. Decisions refer to it, not to the binding.
    pub(crate) role: String,
    /// Who has it: any one of these.
    pub(crate) subjects: Vec<Subject>,
}

/// A user or a group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    /// `User` or `Group`; case does not matter.
    pub(crate) kind: String,
    /// The user's id, or the group's name, letter by letter.
    pub(crate) name: String,
}

/// Where a request says who its user is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The header that holds the user's id; `x-authz-user-id` when left out.
    #[serde(default = "user_header")]
    pub(crate) user_header: String,
    /// The header that holds the names of the user's groups, with commas between; `x-authz-user-groups` when left out.
    #[serde(default = "groups_header")]
    pub(crate) groups_header: String,
    /// Whether requests without a user are let pass. The host sees to that before signals are evaluated.
    #[serde(default)]
    #[allow(dead_code, reason = "accepted for the host")]
    fail_open: bool,
}

fn user_header() -> String {
    "x-authz-user-id".into()
}

fn groups_header() -> String {
    "x-authz-user-groups".into()
}

impl Default for Identity {
    fn default() -> Self {
        Self { user_header: user_header(), groups_header: groups_header(), fail_open: false }
    }
}
