//! The components that a snapshot may use, by role and by the type they serve.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use trackside_components::{ArtefactFile, Component, Embed, FailurePolicy, Grants, Limits, Role, Setup};
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
    /// Cases from a file beside the component. They go before those inside it.
    pub cases: Option<Arc<[u8]>>,
    /// Where it comes from, for people: a path, or that it is part of the program.
    pub origin: Option<String>,
}

/// How much of the traffic a component gets that is tried beside the active one of its type.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Percent of the requests, 0 to 100, on which it runs beside the active one, off the reply path.
    pub shadow: f64,
    /// Percent of the requests, 0 to 100, that it decides.
    pub canary: f64,
}

/// All components at hand.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<(Role, String), Entry>,
    candidates: BTreeMap<(Role, String), (Entry, Share)>,
}

impl Entry {
    /// The failure policy in force.
    pub(crate) fn policy(&self) -> &FailurePolicy {
        self.on_failure.as_ref().unwrap_or(&self.component.description().on_failure)
    }

    /// What it is tried with before it serves.
    pub(crate) fn own_cases(&self) -> Option<&[u8]> {
        self.cases.as_deref().or_else(|| self.component.cases())
    }

    /// What it is configured with, given its settings.
    pub(crate) fn setup<'a>(&'a self, settings: &'a Value, embed: &Arc<dyn Embed>) -> Setup<'a> {
        let Entry { grants, limits, artefact, .. } = self;
        Setup { settings, grants, limits, artefact: artefact.clone(), embed: Arc::clone(embed) }
    }

    fn key(&self) -> (Role, String) {
        let description = self.component.description();
        (description.role, description.serves.clone())
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
        self.entries.insert(entry.key(), entry)
    }

    /// Adds a component that is tried beside the active one of the role and type that it describes, under the active one's
    /// settings, and returns the one that it replaces: there is one for each type. Without an active one it has no effect.
    pub fn add_candidate(&mut self, entry: Entry, share: Share) -> Option<Entry> {
        self.candidates.insert(entry.key(), (entry, share)).map(|(replaced, _)| replaced)
    }

    /// The same with no other component than the one that serves a type in a role.
    #[must_use]
    pub fn only(mut self, role: Role, serves: &str) -> Registry {
        self.entries.retain(|(held, served), _| *held == role && served == serves);
        self.candidates.clear();
        self
    }

    /// The component that serves a type in a role.
    #[must_use]
    pub fn get(&self, role: Role, serves: &str) -> Option<&Entry> {
        self.entries.get(&(role, serves.to_owned()))
    }

    /// The component that is tried beside the one that serves a type in a role, and how much of the traffic it gets.
    #[must_use]
    pub fn candidate(&self, role: Role, serves: &str) -> Option<(&Entry, Share)> {
        self.candidates.get(&(role, serves.to_owned())).map(|(entry, share)| (entry, *share))
    }

    /// All components that serve.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All components that are tried beside one that serves.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Entry> {
        let tried = self.candidates.iter().filter(|(key, _)| self.entries.contains_key(key));
        tried.map(|(_, (entry, _))| entry)
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
