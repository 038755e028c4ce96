//! Everything that a request needs, frozen when it was built.

use crate::call::Stage;
use crate::names::{ListedModel, Names};
use crate::selection::Selection;
use crate::signals::Signal;
use std::collections::BTreeMap;
use std::sync::Arc;
use trackside_config::Rule;
use trackside_telemetry::Metrics;

/// One generation of configuration and components. Never modified; replaced as a whole.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) generation: u64,
    pub(crate) names: Names,
    pub(crate) default_model: Option<String>,
    /// The effort of decisions that ask for reasoning and name none.
    pub(crate) default_effort: String,
    pub(crate) clear_route_cache: bool,
    pub(crate) signals: BTreeMap<String, Signal>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) ranking: Option<Stage>,
    /// Runs before the decision's own plugins, on every request that a decision takes.
    pub(crate) reasoning: Option<Stage>,
    pub(crate) metrics: Arc<Metrics>,
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

impl Snapshot {
    /// The number of this snapshot, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The models that a client may ask for.
    #[must_use]
    pub fn models(&self) -> Vec<ListedModel> {
        self.names.listed()
    }

    /// The default model as a target: a model, or an adapter on its base model.
    pub(crate) fn target(&self, name: &str) -> Target {
        let base = self.names.base(name);
        Target {
            model: base.unwrap_or(name).to_owned(),
            adapter: base.map(|_| name.to_owned()),
            use_reasoning: false,
            reasoning_effort: None,
        }
    }

    /// The signal types that are evaluated: those that some decision reaches.
    pub fn signal_types(&self) -> impl Iterator<Item = &str> {
        self.signals.keys().map(String::as_str)
    }
}
