//! Tree to [`Resolved`]: references checked, defaults filled in. What is wrong is reported and left out.

mod components;
mod decisions;
mod embedding;
mod models;
mod rules;
mod signals;

pub(crate) use rules::LeafUse;

use crate::{Diagnostic, Report, Resolved, codes, view::View};
use std::{collections::HashSet, path::Path};

/// What a configuration is without a word about it.
const DEFAULT_EFFORT: &str = "medium";
const DEFAULT_STRATEGY: &str = "priority";
const AUTO_MODEL_NAMES: [&str; 2] = ["vllm-sr/auto", "auto"];
const AUTO_MODEL_NAME: &str = "MoM";

/// Resolves the payload. The leaves are those of all decisions and composers, with their places, for the check against what is served.
pub(crate) fn resolve(root: &View<'_>, base_dir: &Path, report: &mut Report) -> (Resolved, Vec<LeafUse>) {
    let reasoning_families = models::families(root, report);
    let models = models::models(root, &reasoning_families, report);
    let default_model = models::default_model(root, &models, report);
    let mut signals = signals::signals(root, report);
    let names = rules::Names::new(root, &signals);
    let (decisions, mut leaves) = decisions::decisions(root, &models, &names, report);
    signals::add_conditions(&mut signals, root, &names, &mut leaves, report);
    signals::add_undeclared_domains(&mut signals, &leaves);
    signals::add_modules(&mut signals, root);
    let router = root.at(&["global", "router"]);
    let strategy = root.at(&["routing"]).and_then(|r| r.text("strategy"));
    let strategy = strategy.or_else(|| router.as_ref()?.text("strategy")).unwrap_or(DEFAULT_STRATEGY);
    let defaults = root.at(&["providers", "defaults"]);
    let resolved = Resolved {
        default_model,
        default_reasoning_effort: models::effort(defaults.as_ref(), "default_reasoning_effort", report)
            .unwrap_or_else(|| DEFAULT_EFFORT.to_owned()),
        auto_model_names: auto_model_names(router.as_ref()),
        list_backend_models: router.as_ref().and_then(|r| r.flag("include_config_models_in_list")).unwrap_or(false),
        clear_route_cache: router.as_ref().and_then(|r| r.flag("clear_route_cache")).unwrap_or(true),
        strategy: strategy.to_owned(),
        embedding: embedding::embedding(root, base_dir, report),
        components: components::components(root, base_dir, report),
        models,
        reasoning_families,
        signals,
        decisions,
    };
    (resolved, leaves)
}

/// An explicit list replaces all names, an empty one included.
fn auto_model_names(router: Option<&View<'_>>) -> Vec<String> {
    match router.filter(|r| r.get("auto_model_names").is_some()) {
        Some(router) => router.texts("auto_model_names"),
        None => {
            let own =
                router.and_then(|r| r.text("auto_model_name")).filter(|n| !n.is_empty()).unwrap_or(AUTO_MODEL_NAME);
            let mut names: Vec<String> = AUTO_MODEL_NAMES.iter().map(|n| (*n).to_owned()).collect();
            if !names.iter().any(|n| n == own) {
                names.push(own.to_owned());
            }
            names
        }
    }
}

/// The items of a list whose names are there and new; an error for each name that is given twice.
fn unique<'t>(items: Vec<View<'t>>, key: &str, report: &mut Report) -> Vec<(String, View<'t>)> {
    let mut seen = HashSet::new();
    let mut named = Vec::new();
    for item in items {
        // A missing name has been reported by the shape check.
        let Some(name) = item.text(key).filter(|n| !n.is_empty()) else { continue };
        if seen.insert(name) {
            named.push((name.to_owned(), item));
        } else {
            let message = format!("{} gives the {key} {name:?} a second time", item.place);
            report.push(Diagnostic::error(codes::DUPLICATE_NAME, message).at(item.span_of(key)));
        }
    }
    named
}
