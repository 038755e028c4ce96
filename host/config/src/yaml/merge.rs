//! Merge keys (`<<`), as YAML 1.1 has them and v0.3 users rely on them.

use super::{Entry, Node, Value};
use crate::{Diagnostic, Report, codes};
use std::collections::HashSet;

pub(super) const MERGE_KEY: &str = "<<";

/// Puts the entries of merged mappings behind the mapping's own: what is written out wins, then the first mapping named.
pub(super) fn resolve(entries: Vec<Entry>, report: &mut Report) -> Vec<Entry> {
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.key == MERGE_KEY);
    if merges.is_empty() {
        return own;
    }
    let mut taken: HashSet<String> = own.iter().map(|e| e.key.clone()).collect();
    for merge in merges {
        for source in sources(merge.value, report) {
            own.extend(source.into_iter().filter(|e| taken.insert(e.key.clone())));
        }
    }
    own
}

fn sources(value: Node, report: &mut Report) -> Vec<Vec<Entry>> {
    let mut bad = |span| {
        let message = "a merge key takes a mapping or a list of mappings, usually as an alias";
        report.push(Diagnostic::error(codes::BAD_MERGE, message).at(span));
    };
    match value.value {
        Value::Mapping(entries) => vec![entries],
        Value::Sequence(items) => items
            .into_iter()
            .filter_map(|item| match item.value {
                Value::Mapping(entries) => Some(entries),
                _ => {
                    bad(item.span);
                    None
                }
            })
            .collect(),
        Value::Scalar(scalar) => {
            if !scalar.is_null() {
                bad(value.span);
            }
            Vec::new()
        }
    }
}
