//! Builds a snapshot: every component that the configuration uses is given its settings and warmed.

use crate::ask::ASK;
use crate::call::{OnFailure, Stage};
use crate::names::Names;
use crate::profile::{self, Decision, Profile, Profiles, Target};
use crate::reach::Reach;
use crate::registry::{Entry, Registry};
use crate::rules;
use crate::selection::Selection;
use crate::settings::{Origin, Settings};
use crate::signals::Signal;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use trackside_components::types::Candidate;
use trackside_components::{Configured, FailurePolicy, Role};
use trackside_config::{self as config, Code, Config, Diagnostic, Report};
use trackside_telemetry::Metrics;

/// A component refused its settings, or could not be started with them.
const NOT_CONFIGURED: Code = Code("E0402");
/// A failure policy names a component that does not exist.
const NO_FALLBACK: Code = Code("E0403");
/// The selector of decisions that name none, and of those whose selector is not served.
const DEFAULT_SELECTOR: &str = "static";
/// The ranking in place of one that is not served.
const DEFAULT_RANKING: &str = "priority";

/// Builds a snapshot, or pushes why it cannot be served.
///
/// Types that nobody serves are not this function's business: [`Config::check_abilities`] reports them. Here they
/// are left out.
pub async fn build(
    config: &Config,
    registry: &Registry,
    metrics: Arc<Metrics>,
    generation: u64,
    report: &mut Report,
) -> Option<Snapshot> {
    let resolved = &config.resolved;
    let mut builder = Builder::new(config, registry, report);
    let profiles = builder.profiles().await;
    let ask = builder.ask().await;
    let reasoning = builder.reasoning().await;
    profiles.filter(|_| report.is_ok()).map(|profiles| Snapshot {
        generation,
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
        metrics,
    })
}

fn models_of_families(resolved: &config::Resolved) -> BTreeSet<String> {
    let models = resolved.models.iter().filter(|model| model.reasoning_family.is_some());
    models.map(|model| model.name.clone()).collect()
}

pub(crate) struct Builder<'a> {
    config: &'a Config,
    registry: &'a Registry,
    report: &'a mut Report,
    /// Components with the same settings share one pool of instances.
    configured: BTreeMap<(Role, String, String), Configured>,
}

type Building<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<'a> Builder<'a> {
    pub(crate) fn new(config: &'a Config, registry: &'a Registry, report: &'a mut Report) -> Self {
        Self { config, registry, report, configured: BTreeMap::new() }
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
        let ranking = self.stage(Role::Ranking, strategy, settings).await;
        let projections = reach.projections(&declared.projections);
        let reads_text = profile::reads_text(&signals, &decisions);
        Profile { name: declared.name.clone(), signals, projections, decisions, ranking, reads_text }
    }

    /// One signal type with all its rules.
    pub(crate) async fn signal(&mut self, kind: &str, declared: &config::SignalRules) -> Option<Signal> {
        let rules: Vec<&Value> = declared.rules.iter().map(|rule| &rule.settings).collect();
        let value = json!({ "rules": rules, "module": declared.module });
        let origin = Origin::Rules(declared.rules.iter().map(|rule| rule.place.clone()).collect());
        let stage = self.stage(Role::Signal, kind, Settings { value, origin }).await?;
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
            plugins.extend(self.stage(Role::RequestPlugin, &plugin.kind, settings).await);
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
            self.stage(Role::Selector, kind, Settings { value, origin: Origin::Block(algorithm.place.clone()) }).await
        } else {
            None
        };
        let models = &self.config.resolved.models;
        let candidates = decision.candidates.iter().map(|c| candidate(c, decision, profile, models)).collect();
        Selection { targets: decision.candidates.iter().map(Target::from).collect(), candidates, selector }
    }

    /// What finds the ask: v0.3 has no block for it, so its settings come from its entry among the components.
    async fn ask(&mut self) -> Option<Stage> {
        let mut uses = self.config.resolved.components.uses.iter();
        let settings = uses.find(|entry| entry.serves == ASK).map(|entry| Settings {
            value: entry.configuration.clone(),
            origin: Origin::Block(entry.place.key("configuration")),
        });
        let settings = settings.unwrap_or(Settings { value: json!({}), origin: Origin::Host });
        self.stage(Role::Ask, ASK, settings).await
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
        self.stage(Role::RequestPlugin, "reasoning", Settings { value, origin: Origin::Host }).await
    }

    fn served<'b>(&self, role: Role, wanted: &'b str, otherwise: &'b str) -> &'b str {
        if self.registry.get(role, wanted).is_some() { wanted } else { otherwise }
    }

    /// One component with its settings and failure policy. `None` when nobody serves the type or it was refused; then
    /// the report says why.
    fn stage<'b>(&'b mut self, role: Role, serves: &'b str, mut settings: Settings) -> Building<'b, Option<Stage>> {
        Box::pin(async move {
            let registry = self.registry;
            let entry = registry.get(role, serves)?;
            let who = format!("{} component {serves:?}", role.as_str());
            let schema = &entry.component.description().schema;
            if !settings.check(&who, schema, self.config, self.report) {
                return None;
            }
            let configured = self.configure(entry, role, serves, &settings, &who).await?;
            let fallback = match entry.policy() {
                FailurePolicy::Fallback(other) if other != serves => self.fallback(role, other, settings, &who).await,
                _ => None,
            };
            let on_failure = OnFailure::new(entry.policy(), fallback);
            Some(Stage { serves: serves.to_owned(), configured, on_failure })
        })
    }

    /// The component that answers for a failed one. It gets the same settings, or none where its schema refuses them.
    async fn fallback(&mut self, role: Role, serves: &str, settings: Settings, who: &str) -> Option<Stage> {
        let Some(entry) = self.registry.get(role, serves) else {
            let message = format!("{who} falls back to {serves:?}, which no {} component serves", role.as_str());
            self.report.push(Diagnostic::error(NO_FALLBACK, message));
            return None;
        };
        let accepted =
            jsonschema::validator_for(&entry.component.description().schema).is_ok_and(|v| v.is_valid(&settings.value));
        let settings = if accepted { settings } else { Settings { value: json!({}), origin: Origin::Host } };
        // A fallback has no fallback of its own, so that a circle cannot arise.
        let configured = self.configure(entry, role, serves, &settings, who).await?;
        Some(Stage { serves: serves.to_owned(), configured, on_failure: OnFailure::Open })
    }

    async fn configure(
        &mut self,
        entry: &Entry,
        role: Role,
        serves: &str,
        settings: &Settings,
        who: &str,
    ) -> Option<Configured> {
        let key = (role, serves.to_owned(), settings.value.to_string());
        if let Some(configured) = self.configured.get(&key) {
            return Some(configured.clone());
        }
        match entry.component.configure(&settings.value, &entry.grants, &entry.limits, entry.artefact.clone()).await {
            Ok(configured) => {
                self.configured.insert(key, configured.clone());
                Some(configured)
            }
            Err(error) => {
                let place = settings.origin.place(&[]);
                let message = format!("{who} could not be configured: {error}");
                self.report.push(Diagnostic::error(NOT_CONFIGURED, message).at(self.config.span(&place)));
                None
            }
        }
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
