//! Builds a snapshot: every component that the configuration uses is given its settings and warmed, or carried over.

use crate::ask::ASK;
use crate::call::Stage;
use crate::carried::Carried;
use crate::listing;
use crate::names::Names;
use crate::profile::{self, Decision, Profile, Profiles, Target};
use crate::reach::Reach;
use crate::registry::Registry;
use crate::rules;
use crate::selection::Selection;
use crate::settings::{Origin, Settings};
use crate::signals::Signal;
use crate::snapshot::Snapshot;
use crate::stages::Stages;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use trackside_components::types::Candidate;
use trackside_components::{Embed, Role};
use trackside_config::{self as config, Config, Report};
use trackside_telemetry::Metrics;

/// The selector of decisions that name none, and of those whose selector is not served.
const DEFAULT_SELECTOR: &str = "static";
/// The ranking in place of one that is not served.
const DEFAULT_RANKING: &str = "priority";

/// What a snapshot is built from.
#[derive(Clone)]
pub struct Build<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The components at hand.
    pub registry: &'a Registry,
    /// The model, for components that compare texts.
    pub embed: Arc<dyn Embed>,
    /// What snapshots in use have configured already, and where this one's components are found by later ones.
    pub carried: &'a Carried,
    /// Where requests count.
    pub metrics: Arc<Metrics>,
    /// The number of the snapshot, from 1.
    pub generation: u64,
}

impl fmt::Debug for Build<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Builds a snapshot, or pushes why it cannot be served.
///
/// Types that nobody serves are not this function's business: [`Config::check_abilities`] reports them. Here they
/// are left out.
pub async fn build(build: Build<'_>, report: &mut Report) -> Option<Snapshot> {
    let resolved = &build.config.resolved;
    build.carried.forget();
    let mut builder = Builder::new(&build, report);
    let profiles = builder.profiles().await;
    let ask = builder.ask().await;
    let reasoning = builder.reasoning().await;
    let used = builder.stages.used;
    profiles.filter(|_| report.is_ok()).map(|profiles| Snapshot {
        generation: build.generation,
        names: Names::new(resolved),
        profiles,
        default_model: resolved.default_model.clone(),
        default_effort: resolved.default_reasoning_effort.clone(),
        clear_route_cache: resolved.clear_route_cache,
        skip_processing: resolved.skip_processing,
        identity: resolved.identity.clone(),
        hidden: resolved.identity.untrusted_headers().into(),
        ask,
        reasoning,
        reasoning_models: models_of_families(resolved),
        metrics: Arc::clone(&build.metrics),
        listed: listing::of(build.registry, &used),
        embed: Arc::clone(&build.embed),
        carried: build.carried.clone(),
    })
}

fn models_of_families(resolved: &config::Resolved) -> BTreeSet<String> {
    let models = resolved.models.iter().filter(|model| model.reasoning_family.is_some());
    models.map(|model| model.name.clone()).collect()
}

pub(crate) struct Builder<'a> {
    config: &'a Config,
    registry: &'a Registry,
    stages: Stages<'a>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(build: &'a Build<'a>, report: &'a mut Report) -> Self {
        Self { config: build.config, registry: build.registry, stages: Stages { build, report, used: BTreeSet::new() } }
    }

    /// All profiles, the default one first in the configuration.
    async fn profiles(&mut self) -> Option<Profiles> {
        let config = self.config;
        let mut declared = config.resolved.profiles.iter();
        let default = self.profile(declared.next()?).await;
        let mut others = BTreeMap::new();
        for profile in declared {
            others.insert(profile.name.clone(), self.profile(profile).await);
        }
        Some(Profiles { default, others })
    }

    async fn profile(&mut self, declared: &config::Profile) -> Profile {
        let reach = Reach::of(declared);
        let mut signals = BTreeMap::new();
        for (kind, rules) in declared.signals.iter().filter(|(kind, _)| reach.signals.contains(kind.as_str())) {
            if let Some(signal) = self.signal(kind, rules).await {
                signals.insert(kind.clone(), signal);
            }
        }
        let mut decisions = Vec::with_capacity(declared.decisions.len());
        for decision in &declared.decisions {
            decisions.push(self.decision(decision, declared).await);
        }
        let strategy = self.served(Role::Ranking, &declared.strategy, DEFAULT_RANKING);
        let settings = Settings { value: json!({}), origin: Origin::Host };
        let ranking = self.stages.stage(Role::Ranking, strategy, settings).await;
        let projections = reach.projections(&declared.projections);
        let reads_text = profile::reads_text(&signals, &decisions);
        Profile { name: declared.name.clone(), signals, projections, decisions, ranking, reads_text }
    }

    /// One signal type with all its rules.
    pub(crate) async fn signal(&mut self, kind: &str, declared: &config::SignalRules) -> Option<Signal> {
        let rules: Vec<&Value> = declared.rules.iter().map(|rule| &rule.settings).collect();
        let value = json!({ "rules": rules, "module": declared.module });
        let origin = Origin::Rules(declared.rules.iter().map(|rule| rule.place.clone()).collect());
        let stage = self.stages.stage(Role::Signal, kind, Settings { value, origin }).await?;
        let outcomes = |rule: &config::SignalRule| {
            rule.outcomes.iter().map(|name| (name.clone(), rule.condition.clone())).collect::<Vec<_>>()
        };
        Some(Signal { stage, outcomes: declared.rules.iter().flat_map(outcomes).collect() })
    }

    async fn decision(&mut self, decision: &config::Decision, profile: &config::Profile) -> Decision {
        let mut plugins = Vec::with_capacity(decision.plugins.len());
        for plugin in &decision.plugins {
            let settings =
                Settings { value: plugin.configuration.clone(), origin: Origin::Block(plugin.place.clone()) };
            plugins.extend(self.stages.stage(Role::RequestPlugin, &plugin.kind, settings).await);
        }
        Decision {
            name: decision.name.clone(),
            priority: decision.priority,
            tier: decision.tier,
            rules: decision.rules.clone(),
            selection: self.selection(decision, profile).await,
            plugins,
        }
    }

    async fn selection(&mut self, decision: &config::Decision, profile: &config::Profile) -> Selection {
        let algorithm = &decision.algorithm;
        let selector = if decision.candidates.len() > 1 {
            let kind = self.served(Role::Selector, &algorithm.kind, DEFAULT_SELECTOR);
            let value = if kind == algorithm.kind { algorithm.settings.clone() } else { json!({}) };
            self.stages
                .stage(Role::Selector, kind, Settings { value, origin: Origin::Block(algorithm.place.clone()) })
                .await
        } else {
            None
        };
        let models = &self.config.resolved.models;
        let candidates = decision.candidates.iter().map(|c| candidate(c, decision, profile, models)).collect();
        Selection { targets: decision.candidates.iter().map(Target::from).collect(), candidates, selector }
    }

    /// What finds the ask: v0.3 has no block for it, so its settings come from its entry among the components.
    async fn ask(&mut self) -> Option<Stage> {
        let settings = self.config.resolved.components.used(ASK).map(|entry| Settings {
            value: entry.configuration.clone(),
            origin: Origin::Block(entry.place.key("configuration")),
        });
        let settings = settings.unwrap_or(Settings { value: json!({}), origin: Origin::Host });
        self.stages.stage(Role::Ask, ASK, settings).await
    }

    /// The reasoning plugin: v0.3 has no block for it, so its settings come from the providers.
    async fn reasoning(&mut self) -> Option<Stage> {
        let resolved = &self.config.resolved;
        let family = |f: &config::ReasoningFamily| json!({ "type": f.kind, "parameter": f.parameter });
        let families: BTreeMap<_, _> = resolved.reasoning_families.iter().map(|(n, f)| (n, family(f))).collect();
        let model = |m: &config::Model| json!({ "family": m.reasoning_family, "provider": m.provider, "host": m.host });
        let models: BTreeMap<_, _> = resolved.models.iter().map(|m| (&m.name, model(m))).collect();
        let value = json!({
            "default_effort": resolved.default_reasoning_effort,
            "families": families,
            "models": models,
        });
        self.stages.stage(Role::RequestPlugin, "reasoning", Settings { value, origin: Origin::Host }).await
    }

    fn served<'b>(&self, role: Role, wanted: &'b str, otherwise: &'b str) -> &'b str {
        if self.registry.get(role, wanted).is_some() { wanted } else { otherwise }
    }
}

fn candidate(
    wanted: &config::CandidateRef,
    decision: &config::Decision,
    profile: &config::Profile,
    models: &[config::Model],
) -> Candidate {
    let model = models.iter().find(|model| model.name == wanted.model);
    let adapter = model.and_then(|m| m.adapters.iter().find(|a| wanted.adapter.as_ref() == Some(&a.name)));
    let of_adapter = adapter.map(|a| a.description.clone()).filter(|text| !text.is_empty());
    let description = of_adapter.or_else(|| model.map(|m| m.description.clone())).unwrap_or_default();
    let score = model_score(wanted, decision, profile).map(|score| ("model_score".to_owned(), score.to_string()));
    Candidate {
        model: wanted.model.clone(),
        adapter: wanted.adapter.clone(),
        weight: wanted.weight,
        quality: model.and_then(|m| m.quality),
        prompt_price: model.and_then(|m| m.prompt_price),
        completion_price: model.and_then(|m| m.completion_price),
        ttft_ms: None,
        tpot_ms: None,
        in_flight: 0,
        context_window: model.and_then(|m| m.context_window),
        description,
        capabilities: model.map(|m| m.capabilities.clone()).unwrap_or_default(),
        extra: score.into_iter().collect(),
    }
}

/// The score that a domain gives a model: of the domain named like the decision, or else of one that the decision names.
fn model_score(wanted: &config::CandidateRef, decision: &config::Decision, profile: &config::Profile) -> Option<f64> {
    let leaves = rules::leaves(&decision.rules);
    let named = leaves.iter().filter(|leaf| leaf.signal == "domain").map(|leaf| leaf.name.as_str());
    let domains = &profile.signals.get("domain")?.rules;
    std::iter::once(decision.name.as_str())
        .chain(named)
        .filter_map(|name| domains.iter().find(|domain| domain.name == name))
        .find_map(|domain| domain.settings.get("model_scores")?.get(&wanted.model)?.as_f64())
}

impl From<&config::CandidateRef> for Target {
    fn from(wanted: &config::CandidateRef) -> Target {
        Target {
            model: wanted.model.clone(),
            adapter: wanted.adapter.clone(),
            use_reasoning: wanted.use_reasoning,
            reasoning_effort: wanted.reasoning_effort.clone(),
        }
    }
}
