//! `routing` and `recipes`: the profiles. `entrypoints`: the model names that ask for them.

use super::{
    decisions::decisions,
    projections::{Scope, projections},
    rules::{LeafUse, Names},
    services, signals, unique,
};
use crate::{
    DEFAULT_PROFILE, Diagnostic, Entrypoint, Identity, Model, Profile, Report, Span, codes, suggest,
    view::View,
    yaml::{Node, Value},
};
use serde_json::json;
use std::collections::{HashMap, HashSet};

const DEFAULT_STRATEGY: &str = "priority";

/// What belongs to a profile; model cards are shared by all.
const SECTIONS: [&str; 3] = ["signals", "projections", "decisions"];

/// Names that ask for algorithms over several models, where the file does not name others.
const ALGORITHM_NAMES: [(&str, &str); 3] =
    [("remom", "vllm-sr/remom"), ("fusion", "vllm-sr/fusion"), ("flow", "vllm-sr/flow")];

/// A file may have no `routing` at all.
static NOTHING: Node = Node { span: Span { start: 0, end: 0, line: 1, column: 1 }, value: Value::Mapping(Vec::new()) };

/// What all profiles are resolved with, and what is noted of them.
pub(super) struct Shared<'s, 't> {
    pub(super) root: &'s View<'t>,
    pub(super) models: &'s [Model],
    pub(super) identity: &'s Identity,
    /// References to signals.
    pub(super) leaves: Vec<LeafUse>,
    /// Each strategy with where it is named.
    pub(super) strategies: Vec<(String, Option<Span>)>,
    /// Bytes that settings of whole signal types may still take: each profile has its own copy.
    pub(super) room: usize,
}

/// Most bytes that these copies may take.
pub(super) const ROOM: usize = 64 << 20;

/// Every profile, the default one first: `routing`, or the recipe of that name where `routing` holds none.
pub(super) fn profiles(shared: &mut Shared<'_, '_>, report: &mut Report) -> Vec<Profile> {
    let routing = shared.root.get("routing").unwrap_or_else(|| View::root(&NOTHING));
    let recipes = unique(shared.root.list("recipes"), "name", report);
    let (named_default, others): (Vec<_>, Vec<_>) = recipes.into_iter().partition(|(name, _)| name == DEFAULT_PROFILE);
    let used = SECTIONS.iter().any(|key| routing.get(key).is_some_and(|section| !section.node.is_empty()));
    let mut profiles = Vec::with_capacity(others.len() + 1);
    match named_default.into_iter().next() {
        Some((_, recipe)) if used => {
            let message = format!("{recipe} and the top-level routing are both the default profile");
            let help = "keep one of them, or give the recipe another name".to_owned();
            report.push(Diagnostic::error(codes::TWO_DEFAULTS, message).at(recipe.span_of("name")).help(help));
            profiles.push(shared.profile(DEFAULT_PROFILE, "", &routing, report));
        }
        Some((name, recipe)) => profiles.push(shared.recipe(&name, &recipe, report)),
        None => profiles.push(shared.profile(DEFAULT_PROFILE, "", &routing, report)),
    }
    for (name, recipe) in others {
        profiles.push(shared.recipe(&name, &recipe, report));
    }
    profiles
}

impl Shared<'_, '_> {
    fn recipe(&mut self, name: &str, recipe: &View<'_>, report: &mut Report) -> Profile {
        let routing = recipe.get("routing").unwrap_or(View { node: &NOTHING, ..recipe.clone() });
        if let Some(cards) = routing.get("modelCards") {
            let message =
                format!("{} do not belong into a recipe: all profiles share the cards of routing", cards.place);
            report.push(Diagnostic::error(codes::CARDS_IN_RECIPE, message).at(cards.head));
        }
        self.profile(name, recipe.text("description").unwrap_or_default(), &routing, report)
    }

    fn profile(&mut self, name: &str, description: &str, routing: &View<'_>, report: &mut Report) -> Profile {
        let mut signals = signals::signals(routing, report);
        let names = Names::new(routing, &signals);
        let mut leaves = Vec::new();
        let decisions = decisions(routing, self.models, &names, &mut leaves, report);
        let mut scope = Scope { names: &names, leaves: &mut leaves, report };
        let mut projections = projections(routing, &mut scope);
        signals::add_conditions(&mut signals, routing, &names, &mut leaves, report);
        signals::add_undeclared_domains(&mut signals, &leaves);
        if !signals::add_modules(&mut signals, self.root, &mut self.room) {
            let message = "the file expands to too much: its profiles share settings that are too large";
            report.push(Diagnostic::error(codes::TOO_MANY_NODES, message).at(routing.head));
        }
        projections.embedding_top_k = signals::leave_top_k(&mut signals, &projections);
        if let (Some(authz), Some(list)) = (signals.get_mut("authz"), routing.at(&["signals", "role_bindings"])) {
            services::warn_of_bindings(&list, self.identity, report);
            authz.module = json!({
                "user_header": self.identity.user_header,
                "groups_header": self.identity.groups_header,
            });
        }
        self.leaves.append(&mut leaves);
        Profile {
            name: name.to_owned(),
            description: description.to_owned(),
            strategy: self.strategy(routing),
            signals,
            projections,
            decisions,
            place: routing.place.clone(),
        }
    }

    /// The profile's own strategy, or else the one for all.
    fn strategy(&mut self, routing: &View<'_>) -> String {
        let own = routing.get("strategy").or_else(|| self.root.at(&["global", "router", "strategy"]));
        let named = own.and_then(|view| Some((view.node.as_text()?.to_owned(), Some(view.span()))));
        let (strategy, span) = named.unwrap_or_else(|| (DEFAULT_STRATEGY.to_owned(), None));
        self.strategies.push((strategy.clone(), span));
        strategy
    }
}

/// Every name that stands for a profile. They have to be new names: one that means something already would be hidden.
pub(super) fn entrypoints(
    root: &View<'_>,
    profiles: &[Profile],
    models: &[Model],
    auto: &[String],
    report: &mut Report,
) -> Vec<Entrypoint> {
    let mut taken = taken(root, models, auto);
    let known: HashSet<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let mut entrypoints = Vec::new();
    for view in root.list("entrypoints") {
        let Some(recipe) = view.get("recipe") else { continue };
        let profile = recipe.node.as_text().unwrap_or_default();
        if !known.contains(profile) {
            let message = format!("{} names the recipe {profile:?}, which does not exist", recipe.place);
            let help = suggest::did_you_mean(profile, profiles.iter().map(|known| known.name.as_str()));
            report.push(Diagnostic::error(codes::UNKNOWN_RECIPE, message).at(recipe.span()).help(help));
        }
        let names = view.get("model_names");
        for name in names.as_ref().into_iter().flat_map(View::items) {
            let Some(model_name) = name.node.as_text().filter(|text| !text.is_empty()) else { continue };
            if let Some(meaning) = taken.insert(model_name.to_owned(), "the name of another entrypoint") {
                let message = format!("{} gives the name {model_name:?}, which is {meaning}", name.place);
                let help = "entrypoints need names that mean nothing else".to_owned();
                report.push(Diagnostic::error(codes::ENTRYPOINT_NAME, message).at(name.span()).help(help));
            }
            entrypoints.push(Entrypoint { model_name: model_name.to_owned(), profile: profile.to_owned() });
        }
        if let Some(empty) = names.filter(|names| names.node.items().is_empty()) {
            let message = format!("{} is empty: nobody can ask for the recipe by this entrypoint", empty.place);
            report.push(Diagnostic::error(codes::ENTRYPOINT_NAME, message).at(empty.head));
        }
    }
    entrypoints
}

/// The names that clients may ask for already, and what each means.
fn taken(root: &View<'_>, models: &[Model], auto: &[String]) -> HashMap<String, &'static str> {
    let looper = root.at(&["global", "integrations", "looper"]);
    let algorithms = ALGORITHM_NAMES.iter().flat_map(|(section, usual)| {
        let own = looper.as_ref().and_then(|l| l.get(section)).filter(|section| section.get("model_names").is_some());
        own.map_or_else(|| vec![(*usual).to_owned()], |section| section.texts("model_names"))
    });
    let adapters = models.iter().flat_map(|m| &m.adapters).map(|a| (a.name.clone(), "an adapter"));
    let models = models.iter().map(|m| (m.name.clone(), "a model"));
    let auto = auto.iter().map(|name| (name.clone(), "an automatic name"));
    algorithms.map(|name| (name, "the name of an algorithm")).chain(adapters).chain(models).chain(auto).collect()
}
