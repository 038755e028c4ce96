//! `providers` and `routing.modelCards`, joined by name.

use super::unique;
use crate::{Adapter, Diagnostic, Model, ReasoningFamily, Report, codes, suggest, view::View, words};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The provider type of a backend that names none.
const DEFAULT_PROVIDER: &str = "vllm";

pub(super) fn families(root: &View<'_>, report: &mut Report) -> BTreeMap<String, ReasoningFamily> {
    let Some(families) = root.at(&["providers", "defaults", "reasoning_families"]) else { return BTreeMap::new() };
    let mut named = BTreeMap::new();
    for (name, view) in families.entries() {
        let family = ReasoningFamily { kind: view.string("type"), parameter: view.string("parameter") };
        if family.kind == "top_level_reasoning_effort" && family.parameter != "reasoning_effort" {
            let message = format!(
                "{} is of type top_level_reasoning_effort, so its parameter has to be reasoning_effort",
                view.place
            );
            report.push(Diagnostic::error(codes::MALFORMED, message).at(view.span_of("parameter")));
        }
        named.insert(name.to_owned(), family);
    }
    named
}

/// Every model that a provider serves, then every card that no provider serves.
pub(super) fn models(root: &View<'_>, families: &BTreeMap<String, ReasoningFamily>, report: &mut Report) -> Vec<Model> {
    let list = |keys: &[&str], key| root.at(keys).map(|v| v.list(key)).unwrap_or_default();
    let providers = unique(list(&["providers"], "models"), "name", report);
    let cards = unique(list(&["routing"], "modelCards"), "name", report);
    let by_name: HashMap<&str, &View<'_>> = cards.iter().map(|(name, view)| (name.as_str(), view)).collect();
    let mut models = Vec::new();
    for (name, provider) in &providers {
        let card = by_name.get(name.as_str()).copied();
        if card.is_none() && !cards.is_empty() {
            let message = format!("{provider} has no model card: its adapters, quality and description are unknown");
            let help = suggest::did_you_mean(name, cards.iter().map(|(n, _)| n.as_str()));
            report.push(Diagnostic::warning(codes::NO_CARD, message).at(provider.span_of("name")).help(help));
        }
        check_family(provider, families, report);
        models.push(model(name, Some(provider), card, report));
    }
    let served: HashSet<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
    for (name, card) in cards.iter().filter(|(name, _)| !served.contains(name.as_str())) {
        let alone = model(name, None, Some(card), report);
        models.push(alone);
    }
    drop_cards_of_adapters(&mut models, &served, &cards, report);
    models
}

/// A card without a provider that is named like an adapter describes the adapter. Any other is a model that the gateway
/// has to know by itself.
fn drop_cards_of_adapters(
    models: &mut Vec<Model>,
    served: &HashSet<&str>,
    cards: &[(String, View<'_>)],
    report: &mut Report,
) {
    let adapters: HashSet<String> = models.iter().flat_map(|m| &m.adapters).map(|a| a.name.clone()).collect();
    models.retain(|m| served.contains(m.name.as_str()) || !adapters.contains(&m.name));
    let alone = cards.iter().filter(|(name, _)| !served.contains(name.as_str()) && !adapters.contains(name));
    for (name, card) in alone.filter(|_| !served.is_empty()) {
        let message =
            format!("{card} has no provider: requests go out under that name, and reasoning cannot be switched");
        let help = suggest::did_you_mean(name, served.iter().copied());
        report.push(Diagnostic::warning(codes::NO_PROVIDER, message).at(card.span_of("name")).help(help));
    }
}

fn model(name: &str, provider: Option<&View<'_>>, card: Option<&View<'_>>, report: &mut Report) -> Model {
    let text = |view: Option<&View<'_>>, key: &str| {
        view.and_then(|v| v.text(key)).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let pricing = provider.and_then(|p| p.get("pricing"));
    let price = |key: &str| pricing.as_ref().and_then(|p| p.number(key));
    let backend = provider.and_then(|p| primary_backend(p, report));
    let adapters = card.map(|c| unique(c.list("loras"), "name", report)).unwrap_or_default();
    Model {
        name: name.to_owned(),
        provider_model_id: text(provider, "provider_model_id"),
        reasoning_family: text(provider, "reasoning_family"),
        provider: text(backend.as_ref(), "type")
            .or_else(|| text(backend.as_ref(), "provider"))
            .unwrap_or_else(|| DEFAULT_PROVIDER.to_owned()),
        host: backend.as_ref().and_then(address).map(host).unwrap_or_default().to_owned(),
        prompt_price: price("prompt_per_1m"),
        completion_price: price("completion_per_1m"),
        quality: card.and_then(|c| c.number("quality_score")),
        context_window: card.and_then(|c| c.int("context_window_size")),
        description: card.map(|c| c.string("description").trim().to_owned()).unwrap_or_default(),
        capabilities: card.map(|c| c.texts("capabilities")).unwrap_or_default(),
        adapters: adapters
            .into_iter()
            .map(|(name, view)| Adapter { name, description: view.string("description") })
            .collect(),
    }
}

fn check_family(provider: &View<'_>, families: &BTreeMap<String, ReasoningFamily>, report: &mut Report) {
    let Some(family) = provider.text("reasoning_family").filter(|f| !f.is_empty() && !families.contains_key(*f)) else {
        return;
    };
    let message = format!(
        "{provider} names reasoning family {family:?}, which providers.defaults.reasoning_families does not define"
    );
    let help = suggest::did_you_mean(family, families.keys().map(String::as_str));
    report.push(Diagnostic::error(codes::UNKNOWN_FAMILY, message).at(provider.span_of("reasoning_family")).help(help));
}

/// The backend of the highest weight, the first of several: it decides how to speak to the model.
fn primary_backend<'t>(provider: &View<'t>, report: &mut Report) -> Option<View<'t>> {
    let mut primary: Option<(f64, View<'t>)> = None;
    for backend in provider.list("backend_refs") {
        if address(&backend).is_none() {
            let message = format!("{backend} has neither endpoint nor base_url");
            report.push(Diagnostic::error(codes::NO_ADDRESS, message).at(backend.head));
        }
        let weight = backend.number("weight").unwrap_or(1.0);
        if primary.as_ref().is_none_or(|(most, _)| weight > *most) {
            primary = Some((weight, backend));
        }
    }
    primary.map(|(_, backend)| backend)
}

fn address<'t>(backend: &View<'t>) -> Option<&'t str> {
    ["endpoint", "base_url"].into_iter().find_map(|key| backend.text(key).filter(|a| !a.is_empty()))
}

/// The host of `[scheme://][user@]host[:port][/path]`, IPv6 addresses with or without brackets.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((v6, _)) => v6,
        None if authority.matches(':').count() > 1 => authority,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// The default model: a model or an adapter, where models are listed at all.
pub(super) fn default_model(root: &View<'_>, models: &[Model], report: &mut Report) -> Option<String> {
    let defaults = root.at(&["providers", "defaults"])?;
    let name = defaults.text("default_model").filter(|n| !n.is_empty())?;
    let known = || {
        models.iter().flat_map(|m| std::iter::once(m.name.as_str()).chain(m.adapters.iter().map(|a| a.name.as_str())))
    };
    if !models.is_empty() && !known().any(|n| n == name) {
        let message =
            format!("providers.defaults.default_model names {name:?}, which is neither a model nor an adapter");
        let help = suggest::did_you_mean(name, known());
        report
            .push(Diagnostic::error(codes::UNKNOWN_DEFAULT, message).at(defaults.span_of("default_model")).help(help));
    }
    Some(name.to_owned())
}

/// A reasoning effort. Providers invent new ones, so an unusual word is passed on.
pub(super) fn effort(view: Option<&View<'_>>, key: &str, report: &mut Report) -> Option<String> {
    let view = view?;
    let effort = view.text(key).filter(|e| !e.is_empty())?;
    if !words::EFFORTS.contains(&effort) {
        let message = format!("reasoning effort {effort:?} is not a usual word; it is passed on as it is");
        let help = suggest::did_you_mean(effort, words::EFFORTS.iter().copied());
        report.push(Diagnostic::warning(codes::UNKNOWN_EFFORT, message).at(view.span_of(key)).help(help));
    }
    Some(effort.to_owned())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_what_is_left_of_an_address() {
        for (address, expected) in [
            ("vllm.default.svc:8000", "vllm.default.svc"),
            ("vllm", "vllm"),
            ("https://api.openai.com/v1", "api.openai.com"),
            ("https://user:secret@api.deepseek.com:443/v1?x#y", "api.deepseek.com"),
            ("[::1]:8000", "::1"),
            ("http://[fe80::1]/v1", "fe80::1"),
            ("fe80::1", "fe80::1"),
            ("", ""),
            (":", ""),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
    }
}
