//! Sections that stood at the top of a file before v0.3, and where each belongs now.

use super::Log;
use crate::yaml::{Entry, Node};

const ROUTER: &[&str] = &["global", "router"];
const BODY: &[&str] = &["global", "router", "streamed_body"];
const SERVICES: &[&str] = &["global", "services"];
const STORES: &[&str] = &["global", "stores"];
const INTEGRATIONS: &[&str] = &["global", "integrations"];
const CATALOG: &[&str] = &["global", "model_catalog"];
const EMBEDDINGS: &[&str] = &["global", "model_catalog", "embeddings"];
const MODULES: &[&str] = &["global", "model_catalog", "modules"];
const CLASSIFIER: &[&str] = &["global", "model_catalog", "modules", "classifier"];
const HALLUCINATION: &[&str] = &["global", "model_catalog", "modules", "hallucination_mitigation"];
const SEMANTIC: &[&str] = &["global", "model_catalog", "embeddings", "semantic"];
const DEFAULTS: &[&str] = &["providers", "defaults"];
const ROUTING: &[&str] = &["routing"];
const SIGNALS: &[&str] = &["routing", "signals"];

/// The old key, the section that it belongs to, and its name there.
const MOVES: &[(&str, &[&str], &str)] = &[
    ("signals", ROUTING, "signals"),
    ("decisions", ROUTING, "decisions"),
    ("keyword_rules", SIGNALS, "keywords"),
    ("embedding_rules", SIGNALS, "embeddings"),
    ("categories", SIGNALS, "domains"),
    ("fact_check_rules", SIGNALS, "fact_check"),
    ("user_feedback_rules", SIGNALS, "user_feedbacks"),
    ("reask_rules", SIGNALS, "reasks"),
    ("preference_rules", SIGNALS, "preferences"),
    ("language_rules", SIGNALS, "language"),
    ("context_rules", SIGNALS, "context"),
    ("structure_rules", SIGNALS, "structure"),
    ("complexity_rules", SIGNALS, "complexity"),
    ("modality_rules", SIGNALS, "modality"),
    ("role_bindings", SIGNALS, "role_bindings"),
    ("jailbreak", SIGNALS, "jailbreak"),
    ("pii", SIGNALS, "pii"),
    ("default_model", DEFAULTS, "default_model"),
    ("reasoning_families", DEFAULTS, "reasoning_families"),
    ("default_reasoning_effort", DEFAULTS, "default_reasoning_effort"),
    ("strategy", ROUTER, "strategy"),
    ("auto_model_name", ROUTER, "auto_model_name"),
    ("auto_model_names", ROUTER, "auto_model_names"),
    ("include_config_models_in_list", ROUTER, "include_config_models_in_list"),
    ("clear_route_cache", ROUTER, "clear_route_cache"),
    ("model_selection", ROUTER, "model_selection"),
    ("streamed_body_mode", BODY, "enabled"),
    ("max_streamed_body_bytes", BODY, "max_bytes"),
    ("streamed_body_timeout_sec", BODY, "timeout_sec"),
    ("response_api", SERVICES, "response_api"),
    ("router_replay", SERVICES, "router_replay"),
    ("observability", SERVICES, "observability"),
    ("api", SERVICES, "api"),
    ("authz", SERVICES, "authz"),
    ("ratelimit", SERVICES, "ratelimit"),
    ("semantic_cache", STORES, "response_cache"),
    ("memory", STORES, "memory"),
    ("vector_store", STORES, "vector_store"),
    ("tools", INTEGRATIONS, "tools"),
    ("looper", INTEGRATIONS, "looper"),
    ("system_models", CATALOG, "system"),
    ("external_models", CATALOG, "external"),
    ("embedding_models", EMBEDDINGS, "semantic"),
    ("prompt_guard", MODULES, "prompt_guard"),
    ("feedback_detector", MODULES, "feedback_detector"),
    ("modality_detector", MODULES, "modality_detector"),
    ("prompt_compression", MODULES, "prompt_compression"),
    ("complexity", MODULES, "complexity"),
];

/// A section of `global.modules` that no file had at its top.
const INSIDE_ONLY: &str = "complexity";

/// Sections whose keys have new names too: the section, the old key, the section that it belongs to, and its name there.
const INNER: &[(&str, &str, &[&str], &str)] = &[
    ("classifier", "category_model", CLASSIFIER, "domain"),
    ("classifier", "pii_model", CLASSIFIER, "pii"),
    ("classifier", "mcp_category_model", CLASSIFIER, "mcp"),
    ("classifier", "preference_model", CLASSIFIER, "preference"),
    ("hallucination_mitigation", "fact_check_model", HALLUCINATION, "fact_check"),
    ("hallucination_mitigation", "hallucination_model", HALLUCINATION, "detector"),
    ("hallucination_mitigation", "nli_model", HALLUCINATION, "explainer"),
    ("bert_model", "model_id", SEMANTIC, "bert_model_path"),
    ("bert_model", "use_cpu", SEMANTIC, "use_cpu"),
    (
        "bert_model",
        "threshold",
        &["global", "model_catalog", "embeddings", "semantic", "embedding_config"],
        "min_score_threshold",
    ),
];

/// Sections that keep the names of all other keys.
const WHOLE: &[(&str, &[&str])] =
    &[("classifier", CLASSIFIER), ("hallucination_mitigation", HALLUCINATION), ("bert_model", SEMANTIC)];

/// Keys that say for sure that a file is from before v0.3. The others are words that any file may have at its top.
const SURE: &[&str] = &[
    "bert_model",
    "categories",
    "complexity_rules",
    "context_rules",
    "decisions",
    "default_model",
    "embedding_rules",
    "fact_check_rules",
    "keyword_rules",
    "language_rules",
    "modality_rules",
    "model_config",
    "preference_rules",
    "prompt_guard",
    "provider_profiles",
    "reask_rules",
    "semantic_cache",
    "signals",
    "structure_rules",
    "user_feedback_rules",
    "vllm_endpoints",
];

/// Whether the top of a file has sections of an older layout.
pub(crate) fn is_flat(root: &Node) -> bool {
    root.entries().iter().any(|entry| SURE.contains(&entry.key.as_str()))
}

/// Moves every section of the top that has another home.
pub(super) fn from_top(root: &mut Node, log: &mut Log<'_>) {
    let keys: Vec<String> = root.entries().iter().map(|entry| entry.key.clone()).collect();
    for key in keys.iter().filter(|key| *key != INSIDE_ONLY) {
        let Some(to) = home(key) else { continue };
        if let Some(entry) = root.take(key) {
            log.moved(&entry, key, &to.join("."));
            place(root, entry);
        }
    }
}

/// Where a section belongs now.
fn home(key: &str) -> Option<Vec<&'static str>> {
    let moved = MOVES.iter().find(|(from, ..)| *from == key).map(|(_, section, name)| [*section, &[*name]].concat());
    moved.or_else(|| WHOLE.iter().find(|(from, _)| *from == key).map(|(_, to)| to.to_vec()))
}

/// Puts a section to its home. `false` when it has none.
pub(super) fn place(root: &mut Node, entry: Entry) -> bool {
    if let Some((_, section, name)) = MOVES.iter().find(|(from, ..)| *from == entry.key) {
        root.put(&[*section, &[*name]].concat(), entry);
        return true;
    }
    let Some((from, whole)) = WHOLE.iter().find(|(from, _)| *from == entry.key) else { return false };
    for inner in entry.value.into_entries() {
        let renamed = INNER.iter().find(|(of, key, ..)| of == from && *key == inner.key);
        let (section, name) = renamed.map_or((*whole, inner.key.clone()), |(_, _, to, name)| (*to, (*name).to_owned()));
        root.put(&[section, &[name.as_str()]].concat(), inner);
    }
    true
}
