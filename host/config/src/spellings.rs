//! Spellings that mean the same. They are folded into one before anything else reads the tree.

use crate::{
    Diagnostic, Report, codes,
    yaml::{Node, Value},
};

/// Folds what may be written in two ways.
pub(crate) fn fold(root: &mut Node, report: &mut Report) {
    cache(root, report);
    candidates(root);
}

/// `global.stores.semantic_cache` is `response_cache` by its older name.
fn cache(root: &mut Node, report: &mut Report) {
    const OLD: &str = "semantic_cache";
    const NEW: &str = "response_cache";
    let Some(stores) = entry_mut(root, "global").and_then(|global| entry_mut(global, "stores")) else { return };
    let both = stores.entry(NEW).is_some();
    let Value::Mapping(entries) = &mut stores.value else { return };
    if let Some(old) = entries.iter_mut().find(|e| e.key == OLD) {
        if both {
            let message = "global.stores has both semantic_cache and response_cache: they are one section";
            report.push(
                Diagnostic::error(codes::BOTH_SPELLINGS, message)
                    .at(old.key_span)
                    .help("keep response_cache".to_owned()),
            );
            entries.retain(|e| e.key != OLD);
        } else {
            old.key = NEW.to_owned();
        }
    }
}

/// One candidate needs no list around it.
fn candidates(root: &mut Node) {
    let Some(shadow) = entry_mut(root, "components").and_then(|components| entry_mut(components, "shadow")) else {
        return;
    };
    if matches!(shadow.value, Value::Mapping(_)) {
        let one = std::mem::replace(&mut shadow.value, Value::Sequence(Vec::new()));
        shadow.value = Value::Sequence(vec![Node { span: shadow.span, value: one }]);
    }
}

fn entry_mut<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let Value::Mapping(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|e| e.key == key).map(|e| &mut e.value)
}
