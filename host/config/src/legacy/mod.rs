//! Layouts from before v0.3, moved to where v0.3 has their content. The tree keeps its places, so that whatever is said later
//! points into the file as it is written.

mod categories;
mod moves;
mod providers;
mod tree;

pub(crate) use moves::is_flat;

use crate::{
    Diagnostic, Report, Span, codes,
    yaml::{Entry, Node, Value},
};
use std::collections::HashSet;

/// Keys of earlier versions below other sections, each with its home in v0.3.
const RENAMED: &[(&[&str], &[&str])] = &[
    (&["routing", "models"], &["routing", "modelCards"]),
    (&["providers", "default_model"], &["providers", "defaults", "default_model"]),
    (&["providers", "reasoning_families"], &["providers", "defaults", "reasoning_families"]),
    (&["providers", "default_reasoning_effort"], &["providers", "defaults", "default_reasoning_effort"]),
    (&["providers", "external_models"], &["global", "model_catalog", "external"]),
    (&["global", "models", "embeddings"], &["global", "model_catalog", "embeddings"]),
    (&["global", "models", "system"], &["global", "model_catalog", "system"]),
    (&["global", "models", "external"], &["global", "model_catalog", "external"]),
];

/// Sections of `global` that `global.runtime` may hold under their own names.
const SECTIONS: [&str; 5] = ["router", "services", "stores", "integrations", "model_catalog"];

/// What is said about a conversion, once for each kind of thing.
struct Log<'r> {
    report: &'r mut Report,
    told: HashSet<String>,
}

impl Log<'_> {
    /// The warning for a part that has another home.
    fn moved(&mut self, entry: &Entry, from: &str, to: &str) {
        let message = format!("{from} is {to} since v0.3: it is read as if it stood there");
        self.push(Diagnostic::warning(codes::LEGACY, message).at(entry.key_span));
    }

    /// The warning for a part that is left out.
    fn dropped(&mut self, span: Span, what: &str, help: Option<String>) {
        let message = format!("{what} is not converted: it has no effect");
        self.push(Diagnostic::warning(codes::NOT_CONVERTED, message).at(span).help(help));
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        if self.told.insert(diagnostic.message.clone()) {
            self.report.push(diagnostic);
        }
    }
}

/// Moves everything that has another home in v0.3, with a warning for each. What v0.3 has in both places stays as it is
/// in the new one.
pub(crate) fn convert(root: &mut Node, report: &mut Report) {
    let flat = is_flat(root) && !crate::payload::is_payload(root);
    let log = &mut Log { report, told: HashSet::new() };
    if flat {
        providers::from_endpoints(root, log);
        categories::convert(root, log);
        moves::from_top(root, log);
    }
    for (from, to) in RENAMED {
        if let Some(entry) = root.take_at(from) {
            log.moved(&entry, &from.join("."), &to.join("."));
            root.put(to, entry);
        }
    }
    for left in root.take_at(&["global", "models"]).into_iter().flat_map(|models| models.value.into_entries()) {
        log.dropped(left.key_span, &format!("{:?} of global.models", left.key), None);
    }
    for old in ["runtime", "modules"] {
        if let Some(section) = root.take_at(&["global", old]) {
            let home = if old == "modules" { "global.model_catalog.modules" } else { "global" };
            log.moved(&section, &format!("global.{old}"), home);
            from_global(root, section, log);
        }
    }
    providers::from_cli(root, log);
    plugins(root, flat, log);
}

/// `global.runtime` and `global.modules` held what are sections of their own now.
fn from_global(root: &mut Node, section: Entry, log: &mut Log<'_>) {
    for entry in section.value.into_entries() {
        let span = entry.key_span;
        let key = entry.key.clone();
        if !SECTIONS.contains(&key.as_str()) {
            if !moves::place(root, entry) {
                log.dropped(span, &format!("{key:?} of {}", section.key), None);
            }
            continue;
        }
        for inner in entry.value.into_entries() {
            let name = inner.key.clone();
            if !moves::place(root, inner.clone()) {
                root.put(&["global", &key, &name], inner);
            }
        }
    }
}

/// Plugins of v0.2: two that are signals now, and a key that has another name.
fn plugins(root: &mut Node, flat: bool, log: &mut Log<'_>) {
    let decisions = root.entry_mut("routing").and_then(|routing| routing.value.entry_mut("decisions"));
    for decision in decisions.into_iter().flat_map(|decisions| decisions.value.items_mut()) {
        let Some(Entry { value: Node { value: Value::Sequence(plugins), .. }, .. }) = decision.entry_mut("plugins")
        else {
            continue;
        };
        if flat {
            plugins.retain(|plugin| !is_signal_now(plugin, log));
        }
        for plugin in plugins.iter_mut().filter(|p| p.get("type").and_then(Node::as_text) == Some("system_prompt")) {
            let Some(Entry { value: configuration, .. }) = plugin.entry_mut("configuration") else { continue };
            if configuration.entry("system_prompt").is_none()
                && let Some(prompt) = configuration.entry_mut("prompt")
            {
                log.moved(prompt, "prompt of a system_prompt plugin", "system_prompt");
                "system_prompt".clone_into(&mut prompt.key);
            }
        }
    }
}

fn is_signal_now(plugin: &Node, log: &mut Log<'_>) -> bool {
    let kind = plugin.get("type").and_then(Node::as_text).unwrap_or_default();
    let Some((_, signal)) = crate::words::REMOVED_PLUGINS.iter().find(|(removed, _)| *removed == kind) else {
        return false;
    };
    let off = plugin.get("configuration").and_then(|c| c.get("enabled")).and_then(Node::as_bool) == Some(false);
    if !off {
        let help = format!("declare a rule under {signal} and a decision with fast_response");
        log.dropped(plugin.span, &format!("a plugin of type {kind:?}"), Some(help));
    }
    true
}
