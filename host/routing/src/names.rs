//! What a client's model name means: routing, a concrete model or adapter, or nothing.

use serde::Serialize;
use std::collections::BTreeMap;
use trackside_config::{DEFAULT_PROFILE, Model, Resolved};

/// The names that a snapshot answers to.
#[derive(Debug)]
pub(crate) struct Names {
    auto: Vec<String>,
    /// Entrypoint to the profile that it stands for, in the order of the file.
    entrypoints: Vec<(String, String)>,
    /// Model or adapter name to the name that goes into the body.
    concrete: BTreeMap<String, String>,
    /// Adapter name to the base model's.
    bases: BTreeMap<String, String>,
    list_backends: bool,
}

/// What a requested name asks for.
pub(crate) enum Requested<'a> {
    /// Decide by the default profile.
    Auto,
    /// Decide by this profile.
    Profile(&'a str),
    /// Leave the choice alone; write this name into the body.
    Concrete { upstream: &'a str },
    /// There is no such model.
    Unknown,
}

/// How a listed name is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// By a decision.
    Virtual,
    /// As named.
    Passthrough,
}

/// One row of the model list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedModel {
    /// The name to ask for.
    pub id: String,
    /// How it is resolved.
    pub resolution: Resolution,
    /// The profile that decides; absent when none does.
    pub profile: Option<String>,
}

impl Names {
    pub(crate) fn new(config: &Resolved) -> Names {
        let on =
            |model: &Model| model.adapters.iter().map(|a| (a.name.clone(), model.name.clone())).collect::<Vec<_>>();
        // The first base in name order wins an adapter that several models list.
        let mut bases: Vec<(String, String)> = config.models.iter().flat_map(on).collect();
        bases.sort_by(|a, b| b.cmp(a));
        let bases: BTreeMap<String, String> = bases.into_iter().collect();
        let adapters = bases.keys().map(|adapter| (adapter.clone(), adapter.clone()));
        let models = config
            .models
            .iter()
            .map(|model| (model.name.clone(), model.provider_model_id.clone().unwrap_or_else(|| model.name.clone())));
        Names {
            auto: config.auto_model_names.clone(),
            entrypoints: config.entrypoints.iter().map(|e| (e.model_name.clone(), e.profile.clone())).collect(),
            concrete: adapters.chain(models).collect(),
            bases,
            list_backends: config.list_backend_models,
        }
    }

    /// What `model` asks for. A name that is both automatic and concrete routes.
    pub(crate) fn resolve(&self, model: &str) -> Requested<'_> {
        if self.auto.iter().any(|name| name == model) {
            return Requested::Auto;
        }
        if let Some((_, profile)) = self.entrypoints.iter().find(|(name, _)| name == model) {
            return Requested::Profile(profile);
        }
        match self.concrete.get(model) {
            Some(upstream) => Requested::Concrete { upstream },
            None => Requested::Unknown,
        }
    }

    /// The name that goes into the body for a model or an adapter.
    pub(crate) fn upstream<'a>(&'a self, name: &'a str) -> &'a str {
        self.concrete.get(name).map_or(name, String::as_str)
    }

    /// The base model of an adapter; `None` when the name is a model's.
    pub(crate) fn base(&self, adapter: &str) -> Option<&str> {
        self.bases.get(adapter).map(String::as_str)
    }

    /// The automatic names, the entrypoints, then, if the configuration lists them, the concrete names.
    pub(crate) fn listed(&self) -> Vec<ListedModel> {
        let decided = |id: &String, profile: &str| ListedModel {
            id: id.clone(),
            resolution: Resolution::Virtual,
            profile: Some(profile.to_owned()),
        };
        let auto = self.auto.iter().map(|id| decided(id, DEFAULT_PROFILE));
        let entrypoints = self.entrypoints.iter().map(|(id, profile)| decided(id, profile));
        let concrete = self.concrete.keys().filter(|_| self.list_backends);
        let as_named = |id: &String| ListedModel { id: id.clone(), resolution: Resolution::Passthrough, profile: None };
        auto.chain(entrypoints).chain(concrete.map(as_named)).collect()
    }
}
