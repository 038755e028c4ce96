//! Trees of rules. They nest, so the shape table leaves them to a reader of their own.

use super::shapes;
use crate::{shape::Shape, words};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

pub(super) fn add<'s>(definitions: &mut Map<String, Json>, served: impl Iterator<Item = &'s String>) {
    let known = words::SIGNALS.iter().map(|(_, kind)| *kind).chain([words::PROJECTION]);
    let kinds: BTreeSet<&str> = known.chain(served.map(String::as_str)).collect();
    let number = shapes::of(&Shape::Number(f64::MIN, f64::MAX));
    let text = shapes::of(&Shape::Text);
    let predicate = json!({
        "type": "object",
        "minProperties": 1,
        "properties": { "gt": number, "gte": number, "lt": number, "lte": number },
        "additionalProperties": false,
    });
    let leaf = json!({
        "type": "object",
        "required": ["type", "name"],
        "properties": {
            "type": { "anyOf": [{ "enum": kinds }, { "type": "string" }], "description": "The signal's type, in the singular." },
            "name": { "type": ["string", "number", "boolean"], "description": "The name of a rule of that type." },
            "label": text,
            "predicate": { "$ref": "#/$defs/predicate", "description": "Compared with the signal's value, or else its confidence." },
            "on_error": text,
        },
        "additionalProperties": false,
    });
    let branch = |required: &[&str]| {
        json!({
            "type": "object",
            "required": required,
            "properties": {
                "operator": { "enum": ["AND", "OR", "NOT"] },
                "conditions": { "type": ["array", "null"], "items": { "$ref": "#/$defs/rule" } },
            },
            "additionalProperties": false,
        })
    };
    let nothing = json!({ "type": ["object", "null"], "maxProperties": 0 });
    let rule = json!({ "anyOf": [{ "$ref": "#/$defs/leaf" }, { "$ref": "#/$defs/branch" }] });
    for (name, definition) in [
        ("predicate", predicate),
        ("leaf", leaf),
        ("branch", branch(&["operator"])),
        ("rule", rule.clone()),
        ("rules", json!({ "anyOf": [rule, nothing] })),
        ("composer", json!({ "anyOf": [{ "$ref": "#/$defs/leaf" }, branch(&[]), nothing] })),
    ] {
        definitions.insert(name.to_owned(), definition);
    }
}
