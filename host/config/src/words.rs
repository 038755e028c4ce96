//! The words of v0.3: which signal, plugin, algorithm and strategy types exist.

/// A list under `routing.signals` and the type that rule leaves call it by.
pub(crate) const SIGNALS: &[(&str, &str)] = &[
    ("classifiers", "classifier"),
    ("complexity", "complexity"),
    ("context", "context"),
    ("conversation", "conversation"),
    ("domains", "domain"),
    ("embeddings", "embedding"),
    ("events", "event"),
    ("fact_check", "fact_check"),
    ("jailbreak", "jailbreak"),
    ("kb", "kb"),
    ("keywords", "keyword"),
    ("language", "language"),
    ("metadata", "metadata"),
    ("modality", "modality"),
    ("pii", "pii"),
    ("preferences", "preference"),
    ("reasks", "reask"),
    ("role_bindings", "authz"),
    ("structure", "structure"),
    ("user_feedbacks", "user_feedback"),
];

/// The leaf type that refers to an output of `routing.projections` rather than to a signal.
pub(crate) const PROJECTION: &str = "projection";

/// What a complexity comes out as: a match and a leaf are named `RULE:LEVEL`.
pub(crate) const LEVELS: [&str; 3] = ["hard", "medium", "easy"];

pub(crate) const PLUGINS: &[&str] = &[
    "context_compression",
    "fast_response",
    "hallucination",
    "header_mutation",
    "image_gen",
    "memory",
    "rag",
    "request_params",
    "response_cache",
    "response_jailbreak",
    "router_replay",
    "system_prompt",
    "tool_selection",
    "tools",
];

/// Plugin types of v0.2 and what took their place.
pub(crate) const REMOVED_PLUGINS: &[(&str, &str)] =
    &[("jailbreak", "routing.signals.jailbreak"), ("pii", "routing.signals.pii")];

pub(crate) const ALGORITHMS: &[&str] = &[
    "automix",
    "confidence",
    "fusion",
    "hybrid",
    "kmeans",
    "knn",
    "latency_aware",
    "mlp",
    "multi_factor",
    "prompt",
    "ratings",
    "remom",
    "router_dc",
    "static",
    "svm",
    "workflows",
];

/// Algorithms that ask several models, and so matter even where there is one candidate.
pub(crate) const MULTI_CALL: &[&str] = &["confidence", "fusion", "ratings", "remom", "workflows"];

/// Algorithms whose settings are not in the decision.
pub(crate) const WITHOUT_BLOCK: &[&str] = &["kmeans", "knn", "mlp", "static", "svm"];

pub(crate) const REMOVED_ALGORITHMS: &[&str] =
    &["bandit", "elo", "gmtrouter", "personalization", "rl_driven", "session_aware"];

pub(crate) const STRATEGIES: &[&str] = &["confidence", "priority"];

/// Efforts that model providers document.
pub(crate) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// System prompt modes: v0.3's two, and the two that guides describe.
pub(crate) const PROMPT_MODES: &[&str] = &["", "replace", "insert", "prepend", "append"];

/// The type that a list under `routing.signals` declares rules of; a list that v0.3 does not know declares its own name.
pub(crate) fn signal_type(section: &str) -> &str {
    SIGNALS.iter().find(|(list, _)| *list == section).map_or(section, |(_, kind)| kind)
}

/// The list under `routing.signals` that declares rules of a v0.3 type.
pub(crate) fn signal_section(kind: &str) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, k)| *k == kind).map(|(list, _)| *list)
}

/// Plugin types with more than one name.
pub(crate) const PLUGIN_SPELLINGS: [&str; 4] = ["response_cache", "response-cache", "semantic_cache", "semantic-cache"];

/// One name per plugin type: the cache has four spellings.
pub(crate) fn fold_plugin(kind: &str) -> &str {
    match kind {
        "semantic-cache" | "semantic_cache" | "response-cache" => "response_cache",
        other => other,
    }
}
