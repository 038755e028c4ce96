//! Parts of a decision record in the words of the API: signal types in the plural where v0.3 has it so, and signals
//! written `type:rule`.

use serde_json::{Map, Value};
use trackside_config::{Decision, Leaf, Resolved, Rule};
use trackside_routing::{DecisionRecord, ReasonCode};

/// The key under which the rules of a signal type are listed.
pub(super) fn key(signal: &str) -> &str {
    match signal {
        "keyword" => "keywords",
        "embedding" => "embeddings",
        "domain" => "domains",
        "preference" => "preferences",
        other => other,
    }
}

/// The decision taken, as the configuration has it.
pub(super) fn taken<'a>(record: &DecisionRecord, config: &'a Resolved) -> Option<&'a Decision> {
    config.decision(record.profile.as_deref()?, record.decision.as_deref()?)
}

/// Rule names by signal type.
pub(super) fn by_type<'a>(signals: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let mut types = Map::new();
    for (signal, rule) in signals {
        let rules = types.entry(key(signal)).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(rules) = rules.as_array_mut() {
            rules.push(rule.into());
        }
    }
    Value::Object(types)
}

/// The signals found, as pairs of type and rule.
pub(super) fn found(record: &DecisionRecord) -> impl Iterator<Item = (&str, &str)> {
    record.signals.iter().map(|signal| (signal.signal.as_str(), signal.rule.as_str()))
}

/// The signals that a rule tree asks for, each once, as pairs of type and rule.
pub(super) fn used(rules: &Rule) -> Vec<(&str, &str)> {
    fn walk<'a>(rule: &'a Rule, into: &mut Vec<(&'a str, &'a str)>) {
        match rule {
            Rule::Always => {}
            Rule::Leaf(Leaf { signal, name, .. }) => into.push((signal, name)),
            Rule::And(children) | Rule::Or(children) => children.iter().for_each(|child| walk(child, into)),
            Rule::Not(child) => walk(child, into),
        }
    }
    let mut leaves = Vec::new();
    walk(rules, &mut leaves);
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// The category with its confidence; empty and 0 when no domain was found.
pub(super) fn category(record: &DecisionRecord) -> (&str, f32) {
    let Some(category) = &record.category else { return ("", 0.0) };
    let domain = record.signals.iter().find(|signal| signal.signal == "domain" && signal.rule == *category);
    (category, domain.map_or(record.confidence, |domain| domain.confidence))
}

/// The decision taken; without one, what the category's confidence is worth.
pub(super) fn routing_decision(record: &DecisionRecord, threshold: f64) -> &str {
    match &record.decision {
        Some(decision) => decision,
        None if f64::from(category(record).1) >= threshold => "high_confidence_specialized",
        None => "low_confidence_general",
    }
}

/// How the selected model came about.
pub(super) fn selection_status(record: &DecisionRecord) -> &'static str {
    match record.reason_code {
        ReasonCode::AutoRouting | ReasonCode::ModelSpecified => "selected",
        ReasonCode::NoMatch | ReasonCode::DecisionTimeout => "fallback",
        ReasonCode::PluginReply | ReasonCode::Skipped => "not_required",
        ReasonCode::ComponentFailed => "failed",
        ReasonCode::Rejected => "unavailable",
    }
}

/// A 32-bit confidence without the digits that only its conversion to 64 bits would show.
pub(super) fn rounded(confidence: f32) -> f64 {
    (f64::from(confidence) * 1e6).round() / 1e6
}
