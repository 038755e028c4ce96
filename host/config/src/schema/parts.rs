//! What components declare, put among the definitions of the whole.

use super::shapes::loosen;
use serde_json::{Map, Value as Json, json};

const DEFINITIONS: &str = "$defs";

/// The schema of one rule of a signal component. What it refers to is put among the definitions.
pub(super) fn rule(declared: &Json, name: &str, definitions: &mut Map<String, Json>) -> Json {
    let mut declared = declared.clone();
    adopt(&mut declared, name, definitions);
    let items = declared.pointer("/properties/rules/items").cloned().unwrap_or_else(|| json!({}));
    // A rule is usually a definition of its own, and named twice it would be hard to read.
    match items.get("$ref").and_then(Json::as_str).and_then(|reference| reference.strip_prefix("#/$defs/")) {
        Some(definition) => definitions.remove(definition).unwrap_or(items),
        None => items,
    }
}

/// The schema of all settings of a component.
pub(super) fn whole(declared: &Json, name: &str, definitions: &mut Map<String, Json>) -> Json {
    let mut declared = declared.clone();
    adopt(&mut declared, name, definitions);
    if let Some(keys) = declared.as_object_mut() {
        keys.retain(|key, _| !matches!(key.as_str(), "$schema" | "$id" | "title"));
    }
    declared
}

/// Adds a property that the host reads by itself.
pub(super) fn property(schema: &mut Json, key: &str, value: Json) {
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        properties.insert(key.to_owned(), value);
    }
}

/// Moves the definitions of a component to those of the whole, under names of their own.
fn adopt(declared: &mut Json, name: &str, definitions: &mut Map<String, Json>) {
    loosen(declared);
    rename(declared, name);
    let own = declared.as_object_mut().and_then(|keys| keys.remove(DEFINITIONS));
    if let Some(Json::Object(own)) = own {
        definitions.extend(own.into_iter().map(|(key, definition)| (format!("{name}-{key}"), definition)));
    }
}

fn rename(schema: &mut Json, name: &str) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(|item| rename(item, name)),
        Json::Object(keys) => {
            for (key, value) in keys.iter_mut() {
                match value {
                    Json::String(reference) if key == "$ref" => {
                        *reference = reference.replace("#/$defs/", &format!("#/$defs/{name}-"));
                    }
                    value => rename(value, name),
                }
            }
        }
        _ => {}
    }
}
