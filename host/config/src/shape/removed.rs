//! Keys that earlier versions had and v0.3 refuses, each with where its content belongs now.

use crate::{Place, Step};

/// Paths of removed keys; `[]` stands for any item of a list.
const REMOVED: &[(&str, &str)] = &[
    (
        "routing.signals.category_kb",
        "declare knowledge bases under global.model_catalog.kbs and use routing.signals.kb",
    ),
    ("routing.signals.taxonomy", "declare knowledge bases under global.model_catalog.kbs and use routing.signals.kb"),
    ("routing.signals.structure[].feature.normalize_by", "use a feature of type density"),
    ("routing.decisions[].modelSelectionAlgorithm", "it is algorithm now"),
    ("routing.decisions[].tool_scope", "use a plugin of type tools"),
    ("routing.decisions[].allow_tools", "use a plugin of type tools with allow_tools"),
    ("routing.decisions[].block_tools", "use a plugin of type tools with block_tools"),
    ("providers.model_targets", "it is providers.models now"),
    ("providers.backends", "it is providers.models[].backend_refs now"),
    ("providers.auth_profiles", "write the credentials into providers.models[].backend_refs"),
    ("global.model_catalog.classifiers", "it is routing.signals.classifiers now"),
    ("global.model_catalog.embeddings.bert", "it is global.model_catalog.embeddings.semantic now"),
    ("global.router.model_selection.session_aware", "it is global.router.learning.protection now"),
    ("global.router.model_selection.model_switch_gate", "it is global.router.learning.protection now"),
    ("global.router.model_selection.lookup_tables", "the selectors that used it are gone"),
    ("global.router.model_selection.elo", "the selector is gone"),
    ("global.router.model_selection.rl_driven", "the selector is gone"),
    ("global.router.model_selection.gmtrouter", "the selector is gone"),
    ("global.router.model_selection.bandit", "the selector is gone"),
    ("global.router.model_selection.personalization", "the selector is gone"),
];

/// Where the content of a removed key belongs, if `place` is one.
pub(crate) fn replacement(place: &Place) -> Option<&'static str> {
    let path = place.0.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) if path.is_empty() => key.clone(),
        Step::Key(key) => path + "." + key,
        Step::Index(_) => path + "[]",
    });
    // A recipe's routing had the same keys.
    let path = path.strip_prefix("recipes[].").unwrap_or(&path);
    REMOVED.iter().find(|(removed, _)| *removed == path).map(|(_, help)| *help)
}
