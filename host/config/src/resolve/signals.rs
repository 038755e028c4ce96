//! `routing.signals`: the rules of each type, as JSON for the component that serves the type.

use super::{
    rules::{LeafUse, Names, Reader},
    unique,
};
use crate::{
    Diagnostic, Place, Projections, Report, SignalRule, SignalRules, Step, codes,
    shape::{missing, shape, to_object},
    view::View,
    words,
    yaml::Value,
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashSet};

/// The key of a complexity that the host reads itself.
const COMPOSER: &str = "composer";

/// Settings of a type as a whole, which v0.3 keeps apart from its rules: where they stand below `global.model_catalog`, and
/// which of the keys there are the type's; all of them when none is named.
const MODULES: &[(&str, &[&str], &[&str])] = &[
    ("domain", &["modules", "classifier", "domain"], &[]),
    (
        "embedding",
        &["embeddings", "semantic", "embedding_config"],
        &["enable_soft_matching", "top_k", "min_score_threshold", "prototype_scoring"],
    ),
    ("preference", &["modules", "classifier", "preference"], &["prototype_scoring"]),
    ("complexity", &["modules", "complexity"], &["prototype_scoring"]),
];

pub(super) fn signals(routing: &View<'_>, report: &mut Report) -> BTreeMap<String, SignalRules> {
    let mut signals = BTreeMap::new();
    let Some(lists) = routing.get("signals") else { return signals };
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
            if let ("complexity", Json::Object(settings)) = (kind, &mut settings) {
                settings.remove(COMPOSER);
            }
            SignalRule {
                outcomes: outcomes(kind, &name, &settings),
                name,
                settings,
                condition: None,
                place: view.place,
            }
        })
        .collect()
}

/// What matches of a rule may be named.
fn outcomes(kind: &str, name: &str, settings: &Json) -> Vec<String> {
    match kind {
        // A binding gives a role, and leaves name the role.
        "authz" => settings.get("role").and_then(Json::as_str).map(str::to_owned).into_iter().collect(),
        "complexity" => words::LEVELS.iter().map(|level| format!("{name}:{level}")).collect(),
        _ => vec![name.to_owned()],
    }
}

/// A complexity may have a composer: a tree over other signals without which it does not count.
pub(super) fn add_conditions(
    signals: &mut BTreeMap<String, SignalRules>,
    routing: &View<'_>,
    names: &Names,
    leaves: &mut Vec<LeafUse>,
    report: &mut Report,
) {
    let list = routing.at(&["signals", "complexity"]);
    let (Some(list), Some(complexity)) = (list, signals.get_mut("complexity")) else { return };
    for rule in &mut complexity.rules {
        let Some(Step::Index(index)) = rule.place.0.last() else { continue };
        if let Some(composer) = list.item(*index).and_then(|view| view.get(COMPOSER)) {
            let before = leaves.len();
            let mut reader = Reader { owner: &rule.name, no_operator: "AND", names, leaves, report };
            rule.condition = Some(reader.root(Some(composer)));
            for leaf in leaves.iter().skip(before).filter(|leaf| leaf.signal == words::PROJECTION) {
                let message = format!(
                    "{} names a projection and never holds: projections are computed after composers",
                    leaf.place
                );
                report.push(Diagnostic::warning(codes::PROJECTION_IN_COMPOSER, message).at(leaf.span));
            }
        }
    }
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
    let settings = json!({ "name": name });
    SignalRule {
        outcomes: outcomes("domain", name, &settings),
        name: name.to_owned(),
        settings,
        condition: None,
        place,
    }
}

/// Gives each signal the settings of its type as a whole. `false` when there is no room left for them.
pub(super) fn add_modules(signals: &mut BTreeMap<String, SignalRules>, root: &View<'_>, room: &mut usize) -> bool {
    let catalog = root.at(&["global", "model_catalog"]);
    for (kind, path, keys) in MODULES {
        let module = catalog.as_ref().and_then(|catalog| catalog.at(path));
        let (Some(rules), Some(module)) = (signals.get_mut(*kind), module) else { continue };
        let Some(left) = room.checked_sub(module.node.weight()) else { return false };
        *room = left;
        let path = [&["file", "global", "model_catalog"], *path].concat();
        rules.module = to_object(Some(module.node), shape(&path));
        if let (Json::Object(module), false) = (&mut rules.module, keys.is_empty()) {
            module.retain(|key, _| keys.contains(&key.as_str()));
        }
    }
    true
}

/// Partitions come before the cut to the surest embeddings, so where embeddings are partitioned the cut is left to routing:
/// the component keeps all, and this is how many stay.
pub(super) fn leave_top_k(signals: &mut BTreeMap<String, SignalRules>, projections: &Projections) -> Option<usize> {
    const KEY: &str = "top_k";
    const DEFAULT: usize = 1;
    let embedding = signals.get_mut("embedding")?;
    let module = embedding.module.as_object_mut()?;
    projections.partitions.iter().any(|partition| partition.signal == "embedding").then(|| {
        let configured = module.insert(KEY.to_owned(), json!(0)).and_then(|k| k.as_u64());
        configured.and_then(|k| usize::try_from(k).ok()).unwrap_or(DEFAULT)
    })
}
