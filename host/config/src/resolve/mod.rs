//! Tree to [`Resolved`]: references checked, defaults filled in. What is wrong is reported and left out.

mod components;
mod decisions;
mod embedding;
mod models;
mod profiles;
mod projections;
mod rules;
mod services;
mod signals;

pub(crate) use rules::LeafUse;

use crate::{Diagnostic, Report, Resolved, Span, codes, view::View};
use profiles::Shared;
use std::{collections::HashSet, path::Path};

/// What a configuration is without a word about it.
const DEFAULT_EFFORT: &str = "medium";
const AUTO_MODEL_NAMES: [&str; 2] = ["vllm-sr/auto", "auto"];
const AUTO_MODEL_NAME: &str = "MoM";

/// What profiles refer to, with places, for the check against what is served.
#[derive(Debug)]
pub(crate) struct Uses {
    /// The leaves of all decisions and composers, and the inputs of scores.
    pub(crate) leaves: Vec<LeafUse>,
    /// The strategy of each profile.
    pub(crate) strategies: Vec<(String, Option<Span>)>,
}

/// Resolves the payload.
pub(crate) fn resolve(root: &View<'_>, base_dir: &Path, report: &mut Report) -> (Resolved, Uses) {
    let reasoning_families = models::families(root, report);
    let models = models::models(root, &reasoning_families, report);
    let default_model = models::default_model(root, &models, report);
    let identity = services::identity(root, report);
    let (leaves, strategies) = (Vec::new(), Vec::new());
    let mut shared = Shared { root, models: &models, identity: &identity, leaves, strategies, room: profiles::ROOM };
    let profiles = profiles::profiles(&mut shared, report);
    let uses = Uses { leaves: shared.leaves, strategies: shared.strategies };
    let router = root.at(&["global", "router"]);
    let defaults = root.at(&["providers", "defaults"]);
    let auto_model_names = auto_model_names(router.as_ref());
    let resolved = Resolved {
        default_model,
        default_reasoning_effort: models::effort(defaults.as_ref(), "default_reasoning_effort", report)
            .unwrap_or_else(|| DEFAULT_EFFORT.to_owned()),
        entrypoints: profiles::entrypoints(root, &profiles, &models, &auto_model_names, report),
        auto_model_names,
        list_backend_models: router.as_ref().and_then(|r| r.flag("include_config_models_in_list")).unwrap_or(false),
        clear_route_cache: router.as_ref().and_then(|r| r.flag("clear_route_cache")).unwrap_or(true),
        skip_processing: services::skip_processing(router.as_ref()),
        streamed_body: services::streamed_body(router.as_ref()),
        tracing: services::tracing(root),
        embedding: embedding::embedding(root, base_dir, report),
        components: components::components(root, base_dir, report),
        identity,
        models,
        reasoning_families,
        profiles,
    };
    (resolved, uses)
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
