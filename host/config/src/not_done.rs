//! What v0.3 has and Trackside does not do yet, and what v0.3 itself ignores. A feature that is built deletes its row.

use crate::{Diagnostic, Report, codes, path, suggest, view::View, yaml::Node};

/// When a section would do something in v0.3.
#[derive(Clone, Copy, Debug)]
enum When {
    /// It is there: not empty, and not `enabled: false`.
    Present,
    /// It says `enabled: true`; off unless asked for.
    Enabled,
    /// It says `false`; on unless switched off.
    Off,
    /// It has this value.
    Is(&'static str),
    /// It has another value.
    IsNot(&'static str),
    /// It is a URL with a path.
    UrlWithPath,
}

use When::{Enabled, Is, IsNot, Off, Present, UrlWithPath};

const SEMANTIC_BACKEND: &str = "global.model_catalog.embeddings.semantic.embedding_config.backend";

/// Path, when it matters, and what happens instead.
const NOT_DONE: &[(&str, When, &str)] = &[
    ("listeners", Present, "the gateway is not configured from here, and the router's own addresses are flags"),
    ("providers.models[].api_format", Is("anthropic"), "the request keeps its format"),
    ("providers.models[].external_model_ids", Present, "provider_model_id is used"),
    ("providers.models[].pricing.currency", IsNot("USD"), "prices are compared as they are"),
    ("providers.models[].pricing.cached_input_per_1m", Present, "cached tokens are not told apart"),
    ("providers.models[].pricing.cache_write_per_1m", Present, "cached tokens are not told apart"),
    ("providers.models[].reliability", Present, "retries, time limits and health checks stay with the gateway"),
    ("providers.models[].backend_refs[].base_url", UrlWithPath, "the request keeps its path"),
    ("providers.models[].backend_refs[].chat_path", Present, "the request keeps its path"),
    ("providers.models[].backend_refs[].api_version", Present, "the request keeps its query"),
    ("providers.models[].backend_refs[].api_key", Present, "the gateway has to add credentials"),
    ("providers.models[].backend_refs[].api_key_env", Present, "the gateway has to add credentials"),
    ("providers.models[].backend_refs[].auth_header", Present, "the gateway has to add credentials"),
    ("providers.models[].backend_refs[].auth_prefix", Present, "the gateway has to add credentials"),
    ("providers.models[].backend_refs[].extra_headers", Present, "the gateway has to add headers"),
    (
        "routing.signals.embeddings[].query_modality",
        Is("image"),
        "images are not looked at, and the rule never matches",
    ),
    ("routing.signals.complexity[].hard.image_candidates", Present, "images are not looked at, only the text counts"),
    ("routing.signals.complexity[].easy.image_candidates", Present, "images are not looked at, only the text counts"),
    ("routing.projections.scores[].inputs[].type", Is("kb_metric"), "no knowledge base is loaded, and the input is 0"),
    ("routing.decisions[].algorithm.on_error", Present, "the component's own failure policy counts"),
    (
        "routing.decisions[].plugins[].configuration.tools_db_path",
        Present,
        "the database is the artefact of tool_selection, under components.use",
    ),
    ("routing.decisions[].adaptations", Present, "nothing is learned"),
    ("routing.decisions[].output_contract", Present, "answers are passed on as they are"),
    ("routing.decisions[].output_contract_spec", Present, "answers are passed on as they are"),
    ("routing.decisions[].emits", Present, "no retention hints are given"),
    ("routing.decisions[].annotations", Present, "there are no replay records to put them into"),
    ("global.router.config_source", Is("kubernetes"), "this file is served, not the cluster's resources"),
    ("global.router.model_selection.enabled", Off, "a decision's own algorithm selects"),
    ("global.router.model_selection.router_dc", Present, "the selector it configures is not served"),
    ("global.router.model_selection.automix", Present, "the selector it configures is not served"),
    ("global.router.model_selection.hybrid", Present, "the selector it configures is not served"),
    ("global.router.model_selection.ml", Present, "the selectors it configures are not served"),
    ("global.router.learning", Enabled, "nothing is learned"),
    ("global.services.api.batch_classification", Present, "there is no batch classification to configure"),
    ("global.services.response_api", Present, "responses are not kept"),
    ("global.services.router_replay", Enabled, "no replay records are kept"),
    ("global.services.startup_status", Present, "no start-up status is written; /ready tells"),
    ("global.services.management_api", Present, "the API's address and its token are flags, and it has no roles"),
    ("global.services.observability.metrics.enabled", Off, "metrics are always served"),
    ("global.services.authz.providers", Present, "the gateway has to add credentials"),
    ("global.services.ratelimit", Present, "requests are not limited"),
    ("global.stores.response_cache", Enabled, "nothing is cached"),
    ("global.stores.memory", Enabled, "nothing is remembered"),
    ("global.stores.vector_store", Enabled, "no documents are kept"),
    (
        "global.integrations.tools",
        Enabled,
        "only decisions with a plugin of type tools or tool_selection choose among tools; the database is that component's \
         artefact, under components.use",
    ),
    ("global.integrations.looper", Present, "each request goes to one model"),
    ("global.model_catalog.embeddings.semantic.use_cpu", Off, "embeddings are computed on the CPU"),
    (
        "global.model_catalog.embeddings.semantic.embedding_config.preload_embeddings",
        Off,
        "examples are embedded before the first request",
    ),
    ("global.model_catalog.embeddings.semantic.endpoint", Present, "no service is asked; the local model serves"),
    (SEMANTIC_BACKEND, Is("openvino"), "the local model serves"),
    (SEMANTIC_BACKEND, Is("openai_compatible"), "the local model serves"),
    ("global.model_catalog.system", Present, "the built-in classifiers serve"),
    ("global.model_catalog.external", Present, "no other model is asked"),
    ("global.model_catalog.kbs", Present, "no knowledge base is loaded"),
    ("global.model_catalog.modules.prompt_guard", Present, "the jailbreak signal is not served"),
    ("global.model_catalog.modules.classifier.mcp", Enabled, "the built-in domain classifier is used"),
    ("global.model_catalog.modules.classifier.pii", Present, "the pii signal is not served"),
    (
        "global.model_catalog.modules.classifier.preference.use_contrastive",
        Off,
        "no other model is asked; examples decide",
    ),
    ("global.model_catalog.modules.classifier.preference.embedding_model", Present, "one model embeds for all signals"),
    ("global.model_catalog.modules.hallucination_mitigation", Enabled, "answers are not checked"),
    ("global.model_catalog.modules.feedback_detector", Present, "the user_feedback signal is not served"),
    ("global.model_catalog.modules.modality_detector", Enabled, "the modality signal is not served"),
    ("global.model_catalog.modules.complexity.model_type", Present, "one model embeds for all signals"),
    ("global.model_catalog.modules.prompt_compression", Enabled, "signals see the whole prompt"),
];

/// Keys that v0.3 reads and never uses.
const IGNORED: &[&str] = &[
    "routing.decisions[].modelRefs[].reasoning_description",
    "routing.decisions[].candidateIterations",
    "global.router.model_selection.method",
    "global.router.model_selection.momentum",
    "global.router.model_selection.router_dc.use_query_contrastive",
    "global.router.model_selection.router_dc.use_model_contrastive",
    "global.router.model_selection.hybrid.quality_gap_threshold",
];

/// One warning for each row of the tables that the file has.
pub(crate) fn warn(root: &View<'_>, report: &mut Report) {
    for (path, when, instead) in NOT_DONE {
        let found: Vec<_> = everywhere(root, path).into_iter().filter(|v| when.holds(v.node)).collect();
        let message = |which: &str| format!("{path}{which} is not done yet: {instead}");
        report
            .extend(warning(root, &found, message).map(|(at, text)| Diagnostic::warning(codes::NOT_DONE, text).at(at)));
    }
    for path in IGNORED {
        let message = |which: &str| format!("{path}{which} has no effect: v0.3 reads and ignores it");
        let found = everywhere(root, path);
        report.extend(
            warning(root, &found, message).map(|(at, text)| Diagnostic::warning(codes::IGNORED_KEY, text).at(at)),
        );
    }
}

/// What a path finds; what stands under `routing` may stand in a recipe as well.
fn everywhere<'t>(root: &View<'t>, path: &str) -> Vec<View<'t>> {
    let mut found = path::find(root, path);
    if path.starts_with("routing.") {
        found.extend(path::find(root, &format!("recipes[].{path}")));
    }
    found
}

fn warning(root: &View<'_>, found: &[View<'_>], message: impl Fn(&str) -> String) -> Option<(crate::Span, String)> {
    let first = found.first()?;
    let owners: Vec<&str> = found.iter().filter_map(|view| path::owner(root, view)).collect();
    let which = if owners.is_empty() { String::new() } else { format!(" (in {})", suggest::list(owners)) };
    Some((first.head, message(&which)))
}

impl When {
    fn holds(self, node: &Node) -> bool {
        let enabled = node.get("enabled").and_then(Node::as_bool);
        match self {
            Present => !node.is_empty() && enabled != Some(false),
            Enabled => enabled == Some(true),
            Off => node.as_bool() == Some(false),
            Is(word) => node.as_text() == Some(word),
            IsNot(word) => node.as_text().is_some_and(|text| text != word),
            UrlWithPath => {
                let rest = node.as_text().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
                rest.and_then(|r| r.split_once('/')).is_some_and(|(_, path)| !path.is_empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{shape::shape, words};

    #[test]
    fn every_row_is_a_key_of_the_file() {
        for path in NOT_DONE.iter().map(|(path, ..)| path).chain(IGNORED) {
            let (mut at, keys) = match path.strip_prefix("routing.signals.").and_then(|rest| rest.split_once("[].")) {
                Some((section, keys)) => (Some(shape(&["signals", words::signal_type(section)])), keys),
                None => (Some(shape(&["file"])), *path),
            };
            for part in keys.split('.') {
                at = at.and_then(|s| {
                    if matches!(s, crate::shape::Shape::Any) { Some(s) } else { s.key(part.trim_end_matches("[]")) }
                });
                if part.ends_with("[]") {
                    at = at.and_then(crate::shape::Shape::item);
                }
            }
            assert!(at.is_some(), "{path}");
        }
    }
}
