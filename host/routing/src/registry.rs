//! The components that a snapshot may use, by role and by the type they serve.

use std::collections::BTreeMap;
use trackside_components::{ArtefactFile, Component, FailurePolicy, Grants, Limits, Role};
use trackside_config::{Abilities, Declared};

/// One component with what the configuration allows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The component.
    pub component: Component,
    /// Capabilities that it may use.
    pub grants: Grants,
    /// Bounds on each of its calls.
    pub limits: Limits,
    /// The file that it may read.
    pub artefact: Option<ArtefactFile>,
    /// What happens when it fails; `None` leaves it to the component's own wish, then to its role's default.
    pub on_failure: Option<FailurePolicy>,
}

/// All components at hand.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<(Role, String), Entry>,
}

impl Entry {
    /// The failure policy in force.
    pub(crate) fn policy(&self) -> &FailurePolicy {
        self.on_failure.as_ref().unwrap_or(&self.component.description().on_failure)
    }
}

impl Registry {
    /// A registry without components.
    #[must_use]
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Adds a component under the role and type that it describes, and returns the one that it replaces.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let description = entry.component.description();
        self.entries.insert((description.role, description.serves.clone()), entry)
    }

    /// The same with no other component than the one that serves a type in a role.
    #[must_use]
    pub fn only(mut self, role: Role, serves: &str) -> Registry {
        self.entries.retain(|(held, served), _| *held == role && served == serves);
        self
    }

    /// The component that serves a type in a role.
    #[must_use]
    pub fn get(&self, role: Role, serves: &str) -> Option<&Entry> {
        self.entries.get(&(role, serves.to_owned()))
    }

    /// What the components declare about their settings, for the schema of the configuration.
    #[must_use]
    pub fn declared(&self) -> Declared {
        let of = |role: Role| {
            let served = self.entries.iter().filter(|((r, _), _)| *r == role);
            served.map(|((_, serves), entry)| (serves.clone(), entry.component.description().schema.clone())).collect()
        };
        Declared { signals: of(Role::Signal), selectors: of(Role::Selector), plugins: of(Role::RequestPlugin) }
    }

    /// The types that can be served, for a truthful validation report.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        let serving =
            |role: Role| self.entries.keys().filter(|(r, _)| *r == role).map(|(_, serves)| serves.clone()).collect();
        Abilities {
            signals: serving(Role::Signal),
            rankings: serving(Role::Ranking),
            selectors: serving(Role::Selector),
            plugins: serving(Role::RequestPlugin),
        }
    }
}
