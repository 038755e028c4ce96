//! `routing.signals`: the rules of each type, as JSON for the component that serves the type.

use super::{LeafUse, unique};
use crate::{
    Diagnostic, Place, Report, SignalRule, SignalRules, codes,
    shape::{missing, shape, to_object},
    view::View,
    words,
    yaml::Value,
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashSet};

/// Settings of a type as a whole, which v0.3 keeps apart from its rules.
const MODULES: &[(&str, &[&str])] = &[("domain", &["global", "model_catalog", "modules", "classifier", "domain"])];

pub(super) fn signals(root: &View<'_>, report: &mut Report) -> BTreeMap<String, SignalRules> {
    let mut signals = BTreeMap::new();
    let Some(lists) = root.at(&["routing", "signals"]) else { return signals };
    for (section, list) in lists.entries() {
        if let Some(removed) = crate::shape::replacement(&list.place) {
            let message = format!("v0.3 no longer has {}", list.place);
            report.push(Diagnostic::error(codes::REMOVED_KEY, message).at(list.head).help(removed.to_owned()));
        } else if let Some(usual) = words::signal_section(section).filter(|usual| *usual != section) {
            let message = format!("rules of type {section:?} are declared under routing.signals.{usual}");
            report.push(
                Diagnostic::error(codes::UNKNOWN_SIGNAL_TYPE, message)
                    .at(list.head)
                    .help(format!("rename it to {usual}")),
            );
        } else if !list.node.is_null() {
            let kind = words::signal_type(section);
            let rules = rules(kind, &list, report);
            signals.insert(kind.to_owned(), SignalRules { rules, module: json!({}) });
        }
    }
    signals
}

fn rules(kind: &str, list: &View<'_>, report: &mut Report) -> Vec<SignalRule> {
    if !matches!(list.node.value, Value::Sequence(_)) {
        let message = format!("{} takes a list of rules, not {}", list.place, list.node.kind());
        report.push(Diagnostic::error(codes::WRONG_TYPE, message).at(list.span()));
    }
    let shape = shape(&["signals", kind]);
    for rule in list.items() {
        if rule.text("name").is_none_or(str::is_empty) {
            report.push(missing(&rule, "name"));
        }
    }
    let named = unique(list.items().collect(), "name", report);
    named
        .into_iter()
        .map(|(name, view)| {
            let mut settings = to_object(Some(view.node), shape);
            quirks(kind, &view, &mut settings, report);
            SignalRule { name, settings, place: view.place }
        })
        .collect()
}

/// What v0.3 does by accident with the settings of a rule, done sanely and said.
fn quirks(kind: &str, rule: &View<'_>, settings: &mut Json, report: &mut Report) {
    match (kind, settings) {
        ("keyword", Json::Object(settings)) if rule.text("method") == Some("fuzzy") => {
            let message =
                format!("{rule} is read as fuzzy_match: true; v0.3 accepts method: fuzzy and then fails to start");
            report.push(Diagnostic::warning(codes::METHOD_FUZZY, message).at(rule.span_of("method")));
            settings.remove("method");
            settings.insert("fuzzy_match".to_owned(), Json::Bool(true));
        }
        ("context", _) if rule.get("max_tokens").is_none() => {
            let message = format!("{rule} has no max_tokens and so no upper bound; in v0.3 it never matches");
            report.push(Diagnostic::warning(codes::UNBOUNDED_CONTEXT, message).at(rule.head));
        }
        _ => {}
    }
}

/// Where no domains are declared, those that decisions name exist, as in v0.3.
pub(super) fn add_undeclared_domains(signals: &mut BTreeMap<String, SignalRules>, leaves: &[LeafUse]) {
    if signals.get("domain").is_some_and(|d| !d.rules.is_empty()) {
        return;
    }
    let mut seen = HashSet::new();
    let domain = |leaf: &&LeafUse| leaf.signal == "domain" && seen.insert(leaf.name.clone());
    let rules: Vec<_> = leaves.iter().filter(domain).map(|l| synthesised(&l.name, l.place.clone())).collect();
    if !rules.is_empty() {
        signals.insert("domain".to_owned(), SignalRules { rules, module: json!({}) });
    }
}

fn synthesised(name: &str, place: Place) -> SignalRule {
    SignalRule { name: name.to_owned(), settings: json!({ "name": name }), place }
}

pub(super) fn add_modules(signals: &mut BTreeMap<String, SignalRules>, root: &View<'_>) {
    for (kind, path) in MODULES {
        if let (Some(rules), Some(module)) = (signals.get_mut(*kind), root.at(path)) {
            let path: Vec<&str> = std::iter::once("file").chain(path.iter().copied()).collect();
            rules.module = to_object(Some(module.node), shape(&path));
        }
    }
}
