//! From a user and groups to roles. Needs no host.

use trackside_sdk::{Failure, Match, failure, matched};

use crate::settings::{RoleBinding, Subject};

/// All role bindings, checked.
#[derive(Debug)]
pub(crate) struct Bindings(Vec<Binding>);

#[derive(Debug)]
struct Binding {
    name: String,
    role: String,
    users: Vec<String>,
    groups: Vec<String>,
}

impl Bindings {
    pub(crate) fn new(bindings: Vec<RoleBinding>) -> Result<Self, Failure> {
        bindings.into_iter().map(Binding::new).collect::<Result<_, _>>().map(Self)
    }

    /// The roles of a user, each once, in the order of the bindings that give them.
    pub(crate) fn roles(&self, user: Option<&str>, groups: Option<&str>) -> Vec<Match> {
        // Whoever is nobody is in no group either.
        let Some(user) = user.map(str::trim).filter(|user| !user.is_empty()) else { return Vec::new() };
        let groups: Vec<&str> = groups.unwrap_or_default().split(',').map(str::trim).collect();
        let mut found: Vec<Match> = Vec::new();
        for binding in self.0.iter().filter(|binding| binding.holds(user, &groups)) {
            if !found.iter().any(|found| found.rule == binding.role) {
                found.push(matched(&binding.role, 1.0, format!("by {}", binding.name)));
            }
        }
        found
    }
}

impl Binding {
    fn new(binding: RoleBinding) -> Result<Self, Failure> {
        let RoleBinding { name, role, subjects } = binding;
        let invalid = |what: String| Err(failure("invalid-settings", format!("binding `{name}`: {what}")));
        if role.is_empty() {
            return invalid("the role is empty".into());
        }
        if subjects.is_empty() {
            return invalid("there are no subjects, so nobody has the role".into());
        }
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for (number, Subject { kind, name }) in (1..).zip(subjects) {
            let subject = name.trim();
            let list = match kind.trim().to_ascii_lowercase().as_str() {
                "user" => &mut users,
                "group" => &mut groups,
                _ => return invalid(format!("subject {number} is of kind `{kind}`, expected User or Group")),
            };
            if subject.is_empty() {
                return invalid(format!("subject {number} has no name"));
            }
            list.push(subject.to_owned());
        }
        Ok(Self { name, role, users, groups })
    }

    fn holds(&self, user: &str, groups: &[&str]) -> bool {
        self.users.iter().any(|one| one == user) || self.groups.iter().any(|one| groups.contains(&one.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// One line of `cases/authz.json`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        bindings: Value,
        user: Option<String>,
        groups: Option<String>,
        roles: Vec<String>,
    }

    fn bindings(json: &Value) -> Result<Bindings, Failure> {
        Bindings::new(serde_json::from_value(json.clone()).unwrap())
    }

    #[test]
    fn cases() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/authz.json")).unwrap();
        assert!(cases.len() >= 15, "{} cases", cases.len());
        for Case { name, bindings: declared, user, groups, roles } in cases {
            let found = bindings(&declared).unwrap().roles(user.as_deref(), groups.as_deref());
            let found: Vec<String> = found.into_iter().map(|found| found.rule).collect();
            assert_eq!(found, roles, "{name}");
        }
    }

    #[test]
    fn a_binding_that_gives_nothing_is_refused() {
        let subject = json!([{"kind": "User", "name": "ann"}]);
        for (binding, expected) in [
            (json!({"name": "b", "role": "", "subjects": subject}), "binding `b`: the role is empty"),
            (
                json!({"name": "b", "role": "r", "subjects": []}),
                "binding `b`: there are no subjects, so nobody has the role",
            ),
            (
                json!({"name": "b", "role": "r", "subjects": [{"kind": "Team", "name": "x"}]}),
                "binding `b`: subject 1 is of kind `Team`, expected User or Group",
            ),
            (
                json!({"name": "b", "role": "r", "subjects": [{"kind": "User", "name": " "}]}),
                "binding `b`: subject 1 has no name",
            ),
        ] {
            assert_eq!(bindings(&json!([binding])).unwrap_err().message, expected);
        }
    }

    #[test]
    fn a_role_tells_the_binding_that_gives_it() {
        let declared = json!([{"name": "staff", "role": "admin", "subjects": [{"kind": "User", "name": "ann"}]}]);
        let found = bindings(&declared).unwrap().roles(Some("ann"), None).remove(0);
        assert_eq!((found.detail.as_str(), found.confidence), ("by staff", 1.0));
    }
}
