//! The configuration, ready to use: references checked, defaults filled in, names typed.

mod components;
mod model;
mod profile;
mod projections;
mod services;

pub use components::*;
pub use model::*;
pub use profile::*;
pub use projections::*;
pub use services::*;

use std::collections::BTreeMap;

/// A place in the file, such as `routing.decisions[2].plugins[0].configuration`: mapping keys and sequence indexes from the top.
///
/// Later stages (settings checked against a component's schema) turn it back into a span with [`crate::Config::span`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub Vec<Step>);

/// One step of a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A mapping key.
    Key(String),
    /// A position in a sequence.
    Index(usize),
}

/// Everything that a snapshot is built from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Models and how to speak to them, by name, in the order of the file.
    pub models: Vec<Model>,
    /// The model that takes what no decision takes. A model or an adapter name.
    pub default_model: Option<String>,
    /// The effort used where a decision names none; `medium` unless set.
    pub default_reasoning_effort: String,
    /// Reasoning families by name.
    pub reasoning_families: BTreeMap<String, ReasoningFamily>,
    /// Model names that ask for routing by the default profile: `vllm-sr/auto`, `auto` and `MoM` unless set.
    pub auto_model_names: Vec<String>,
    /// Model names that ask for routing by a profile of their own, in the order of the file.
    pub entrypoints: Vec<Entrypoint>,
    /// Whether `/v1/models` lists backend models too.
    pub list_backend_models: bool,
    /// Whether the gateway is asked to pick the route again after headers were changed. True unless set.
    pub clear_route_cache: bool,
    /// Whether a request may ask to be left alone.
    pub skip_processing: SkipProcessing,
    /// Bounds on bodies that come in pieces.
    pub streamed_body: StreamedBody,
    /// Who says who the user is.
    pub identity: Identity,
    /// Where traces go; `None` when they are not asked for.
    pub tracing: Option<Tracing>,
    /// The profiles, never none: the default one first, then those of `recipes` in the order of the file.
    pub profiles: Vec<Profile>,
    /// The model that embeds texts.
    pub embedding: EmbeddingModel,
    /// The `components` block.
    pub components: Components,
}

/// A model name that stands for a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrypoint {
    /// What clients ask for.
    pub model_name: String,
    /// The profile that decides.
    pub profile: String,
}

impl Resolved {
    /// The profile of a name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// A decision of a profile.
    #[must_use]
    pub fn decision(&self, profile: &str, name: &str) -> Option<&Decision> {
        self.profile(profile)?.decisions.iter().find(|decision| decision.name == name)
    }
}
