//! `routing.decisions`: where a request that matches goes, and what happens to it on the way.

use super::{
    models::effort,
    rules::{LeafUse, Names, Reader},
    unique,
};
use crate::{
    Algorithm, CandidateRef, Decision, Diagnostic, Model, PluginUse, Report, codes,
    shape::{shape, to_object},
    suggest,
    view::View,
    words,
};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// The selector of a decision that names none.
const DEFAULT_ALGORITHM: &str = "static";

/// What a candidate may refer to.
struct Models<'m> {
    by_name: HashMap<&'m str, &'m Model>,
    /// The model that an adapter belongs to.
    base_of: HashMap<&'m str, &'m str>,
}

impl<'m> Models<'m> {
    fn new(models: &'m [Model]) -> Self {
        let base_of = models.iter().flat_map(|m| m.adapters.iter().map(|a| (a.name.as_str(), m.name.as_str())));
        Self { by_name: models.iter().map(|m| (m.name.as_str(), m)).collect(), base_of: base_of.collect() }
    }
}

pub(super) fn decisions(
    routing: &View<'_>,
    models: &[Model],
    names: &Names,
    leaves: &mut Vec<LeafUse>,
    report: &mut Report,
) -> Vec<Decision> {
    let list = routing.list("decisions");
    let models = Models::new(models);
    let mut decisions = Vec::new();
    for (name, view) in unique(list, "name", report) {
        let mut rules = Reader { owner: &name, no_operator: "", names, leaves, report };
        let rules = rules.root(view.get("rules"));
        decisions.push(Decision {
            description: view.string("description"),
            priority: view.int("priority").unwrap_or(0),
            tier: view.int("tier").unwrap_or(0),
            rules,
            candidates: view.list("modelRefs").iter().filter_map(|c| candidate(&view, c, &models, report)).collect(),
            algorithm: algorithm(&view, report),
            plugins: plugins(&view, report),
            place: view.place,
            name,
        });
    }
    warn_of_tier_zero(routing, &decisions, report);
    decisions
}

/// In v0.3 a decision without a tier comes before tier 1 as soon as any decision has one.
fn warn_of_tier_zero(routing: &View<'_>, decisions: &[Decision], report: &mut Report) {
    let without: Vec<&str> = decisions.iter().filter(|d| d.tier == 0).map(|d| d.name.as_str()).collect();
    if let (Some(with), false) = (first_tier(routing), without.is_empty()) {
        let message = format!("decisions without a tier come before tier 1: {}", suggest::list(without));
        report.push(
            Diagnostic::warning(codes::TIER_ZERO, message).at(with.head).help("give every decision a tier".to_owned()),
        );
    }
}

fn first_tier<'t>(routing: &View<'t>) -> Option<View<'t>> {
    let tiers = crate::path::find(routing, "decisions[].tier");
    tiers.into_iter().find(|tier| tier.node.as_int().is_some_and(|t| t > 0))
}

fn candidate(decision: &View<'_>, view: &View<'_>, models: &Models<'_>, report: &mut Report) -> Option<CandidateRef> {
    let model = view.text("model").filter(|m| !m.is_empty())?;
    let adapter = view.text("lora_name").filter(|a| !a.is_empty());
    match (models.by_name.get(model), adapter) {
        (None, _) if !models.by_name.is_empty() => {
            let message = format!("{decision} names model {model:?}, which no provider defines");
            let help = match models.base_of.get(model) {
                Some(base) => Some(format!("it is an adapter: write model: {base} and lora_name: {model}")),
                None => suggest::did_you_mean(model, models.by_name.keys().copied()),
            };
            report.push(Diagnostic::error(codes::UNKNOWN_MODEL, message).at(view.span_of("model")).help(help));
        }
        (Some(base), Some(adapter)) if !base.adapters.iter().any(|a| a.name == adapter) => {
            let message = format!("{decision} names adapter {adapter:?}, which the card of {model:?} does not list");
            let help = suggest::did_you_mean(adapter, base.adapters.iter().map(|a| a.name.as_str()));
            report.push(Diagnostic::error(codes::UNKNOWN_ADAPTER, message).at(view.span_of("lora_name")).help(help));
        }
        _ => {}
    }
    Some(CandidateRef {
        model: model.to_owned(),
        adapter: adapter.map(str::to_owned),
        weight: view.number("weight").unwrap_or(1.0),
        use_reasoning: view.flag("use_reasoning").unwrap_or(false),
        reasoning_effort: effort(Some(view), "reasoning_effort", report),
    })
}

fn algorithm(decision: &View<'_>, report: &mut Report) -> Algorithm {
    let Some(view) = decision.get("algorithm") else {
        return Algorithm {
            kind: DEFAULT_ALGORITHM.to_owned(),
            settings: json!({}),
            place: decision.place.key("algorithm"),
        };
    };
    let kind = view.text("type").filter(|t| !t.is_empty()).unwrap_or(DEFAULT_ALGORITHM);
    if words::REMOVED_ALGORITHMS.contains(&kind) {
        let message = format!("{decision} uses algorithm {kind:?}, which v0.3 no longer has");
        report.push(Diagnostic::error(codes::REMOVED_KEY, message).at(view.span_of("type")));
    }
    for (key, block) in
        view.entries().filter(|(key, block)| !["type", "on_error"].contains(key) && !block.node.is_null())
    {
        if key != kind {
            let message = format!("{decision} uses algorithm {kind:?}, so it cannot have a block {key:?}");
            let help = format!("take it out, or set type: {key}");
            report.push(Diagnostic::error(codes::ALGORITHM_BLOCK, message).at(block.head).help(help));
        } else if words::WITHOUT_BLOCK.contains(&key) && !block.node.is_empty() {
            let message = format!("{decision}: algorithm {key:?} takes no settings here");
            report.push(Diagnostic::error(codes::ALGORITHM_BLOCK, message).at(block.head));
        }
    }
    let block = view.get(kind);
    let settings = to_object(block.as_ref().map(|b| b.node), shape(&["algorithms", kind]));
    Algorithm { kind: kind.to_owned(), settings, place: block.map_or(view.place, |b| b.place) }
}

fn plugins(decision: &View<'_>, report: &mut Report) -> Vec<PluginUse> {
    let mut seen = HashSet::new();
    let mut plugins = Vec::new();
    for view in decision.list("plugins") {
        let Some(written) = view.text("type").filter(|t| !t.is_empty()) else { continue };
        let kind = words::fold_plugin(written);
        if let Some((_, signal)) = words::REMOVED_PLUGINS.iter().find(|(removed, _)| *removed == kind) {
            let message = format!("{decision} uses plugin {kind:?}, which v0.3 no longer has");
            let help = format!("declare a rule under {signal} and a decision with fast_response");
            report.push(Diagnostic::error(codes::REMOVED_KEY, message).at(view.span_of("type")).help(help));
            continue;
        }
        if !seen.insert(kind) {
            let alias = if written == kind { String::new() } else { format!(" ({written} is another name for it)") };
            let message = format!("{decision} has a second plugin of type {kind:?}{alias}");
            report.push(Diagnostic::error(codes::DUPLICATE_PLUGIN, message).at(view.span_of("type")));
            continue;
        }
        let configuration = view.get("configuration");
        if kind == "system_prompt" {
            warn_of_mode(decision, configuration.as_ref(), report);
        }
        plugins.push(PluginUse {
            kind: kind.to_owned(),
            configuration: to_object(configuration.as_ref().map(|c| c.node), shape(&["plugins", kind])),
            place: configuration.map_or(view.place, |c| c.place),
        });
    }
    plugins
}

fn warn_of_mode(decision: &View<'_>, configuration: Option<&View<'_>>, report: &mut Report) {
    let Some(mode) = configuration.and_then(|c| c.get("mode")) else { return };
    let word = mode.node.as_text().unwrap_or_default();
    if !words::PROMPT_MODES.contains(&word) {
        let message =
            format!("{decision}: system prompt mode {:?} works as replace, as in v0.3", suggest::shorten(word));
        let help = suggest::did_you_mean(word, words::PROMPT_MODES.iter().copied());
        report.push(Diagnostic::warning(codes::PROMPT_MODE, message).at(mode.span()).help(help));
    }
}
