//! Everything that a request needs, frozen when it was built.

use crate::Headers;
use crate::call::Stage;
use crate::carried::Carried;
use crate::listing::Listed;
use crate::names::{ListedModel, Names};
use crate::profile::{Profiles, Target};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use trackside_components::Embed;
use trackside_config::{Identity, SkipProcessing};
use trackside_telemetry::Metrics;

/// The request header that asks to be left alone, where the configuration honours it.
const SKIP: &str = "x-vsr-skip-processing";

/// One generation of configuration and components. Never modified; replaced as a whole.
pub struct Snapshot {
    pub(crate) generation: u64,
    pub(crate) names: Names,
    pub(crate) profiles: Profiles,
    pub(crate) default_model: Option<String>,
    /// The effort of decisions that ask for reasoning and name none.
    pub(crate) default_effort: String,
    pub(crate) clear_route_cache: bool,
    pub(crate) skip_processing: SkipProcessing,
    pub(crate) identity: Identity,
    /// Headers that no component sees, because nobody says that a client may not send them.
    pub(crate) hidden: Arc<[String]>,
    /// Runs before the signals, where something reads the ask.
    pub(crate) ask: Option<Stage>,
    /// Runs before the decision's own plugins, on requests that a decision takes.
    pub(crate) reasoning: Option<Stage>,
    /// Models with a reasoning family.
    pub(crate) reasoning_models: BTreeSet<String>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) listed: Vec<Listed>,
    /// The model that its components compare texts with.
    pub(crate) embed: Arc<dyn Embed>,
    pub(crate) carried: Carried,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("generation", &self.generation).finish_non_exhaustive()
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

    /// Whether gateways should pick routes again once a model is selected.
    #[must_use]
    pub fn clears_route_cache(&self) -> bool {
        self.clear_route_cache
    }

    /// Whether a request with these headers asks to be left alone, and the configuration lets it.
    #[must_use]
    pub fn skips(&self, headers: &Headers) -> bool {
        let asked = || headers.get(SKIP).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        self.skip_processing == SkipProcessing::Honoured && asked()
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

    /// The signal types that are evaluated: those that some decision of some profile reaches.
    pub fn signal_types(&self) -> impl Iterator<Item = &str> {
        let kinds = self.profiles.iter().flat_map(|profile| profile.signals.keys());
        kinds.map(String::as_str).collect::<BTreeSet<_>>().into_iter()
    }
}
