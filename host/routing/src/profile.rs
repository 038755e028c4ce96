//! Profiles: each decides about one kind of request, with signals, projections and decisions of its own.

use crate::call::Stage;
use crate::selection::Selection;
use crate::signals::Signal;
use std::collections::BTreeMap;
use trackside_components::Need;
use trackside_config::{Projections, Rule};

/// One profile, ready to use.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// The signals that some decision reaches.
    pub(crate) signals: BTreeMap<String, Signal>,
    /// The projections that some decision reaches.
    pub(crate) projections: Projections,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) ranking: Option<Stage>,
    /// Whether a signal or a plugin reads the ask.
    pub(crate) reads_text: bool,
}

/// Whether one of these signals, or a plugin of these decisions, reads the ask.
pub(crate) fn reads_text(signals: &BTreeMap<String, Signal>, decisions: &[Decision]) -> bool {
    let plugins = decisions.iter().flat_map(|decision| &decision.plugins);
    let mut stages = signals.values().map(|signal| &signal.stage).chain(plugins);
    stages.any(|stage| stage.guarded.configured.component().description().needs.contains(&Need::Text))
}

/// All profiles of a snapshot.
#[derive(Debug)]
pub(crate) struct Profiles {
    /// What automatic model names ask for.
    pub(crate) default: Profile,
    /// The others, by name.
    pub(crate) others: BTreeMap<String, Profile>,
}

/// One decision, ready to use.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) name: String,
    pub(crate) priority: i32,
    pub(crate) tier: u32,
    pub(crate) rules: Rule,
    pub(crate) selection: Selection,
    pub(crate) plugins: Vec<Stage>,
}

/// Where a decision may send a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) model: String,
    pub(crate) adapter: Option<String>,
    pub(crate) use_reasoning: bool,
    pub(crate) reasoning_effort: Option<String>,
}

impl Target {
    /// The name that the configuration knows it by: the adapter's, or else the model's.
    pub(crate) fn name(&self) -> &str {
        self.adapter.as_deref().unwrap_or(&self.model)
    }
}

impl Profiles {
    /// The profile of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        if self.default.name == name { Some(&self.default) } else { self.others.get(name) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Profile> {
        std::iter::once(&self.default).chain(self.others.values())
    }
}
