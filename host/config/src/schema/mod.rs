//! JSON Schema (draft 2020-12) of the file, for editors: made of the shape table, of what is said about its keys, and of the
//! schemas that components declare.

mod parts;
mod rules;
mod shapes;

use crate::{
    shape::{shape, told},
    words,
};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// The schemas that components declare for their settings, by the type that they serve.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Of all rules of a signal type together, under `rules`.
    pub signals: BTreeMap<String, Json>,
    /// Of an algorithm's block.
    pub selectors: BTreeMap<String, Json>,
    /// Of a plugin's configuration.
    pub plugins: BTreeMap<String, Json>,
}

/// Plugins that the host adds by itself.
const OF_THE_HOST: [&str; 1] = ["reasoning"];

/// The schema of a plain file. It accepts what loads without an error, save for what only references within the file show,
/// and it refuses keys that nobody knows.
#[must_use]
pub fn schema(declared: &Declared) -> Json {
    let mut definitions = Map::new();
    let profile = ["signals", "projections", "decisions"];
    for part in profile {
        let found = shapes::at(&["routing", part]);
        definitions.insert(part.to_owned(), found);
    }
    let signals = signals(declared, &mut definitions);
    definitions.insert("signals".to_owned(), signals);
    let algorithm = algorithm(declared, &mut definitions);
    definitions.insert("algorithm".to_owned(), algorithm);
    let plugin = plugin(declared, &mut definitions);
    definitions.insert("plugin".to_owned(), plugin);
    rules::add(&mut definitions, declared.signals.keys());
    if let Some(decision) = definitions.get_mut("decisions").and_then(|list| list.pointer_mut("/items/properties")) {
        for (key, name) in [("rules", "rules"), ("algorithm", "algorithm")] {
            refer(decision, key, name);
        }
        if let Some(plugins) = decision.get_mut("plugins") {
            refer(plugins, "items", "plugin");
        }
    }
    let mut file = shapes::at(&[]);
    for routing in ["/properties/routing/properties", "/properties/recipes/items/properties/routing/properties"] {
        if let Some(routing) = file.pointer_mut(routing) {
            profile.iter().for_each(|part| refer(routing, part, part));
        }
    }
    // Told apart from other slips by the loader; here it is a slip like any other.
    if let Some(recipe) = file.pointer_mut("/properties/recipes/items/properties/routing/properties") {
        recipe.as_object_mut().and_then(|recipe| recipe.remove("modelCards"));
    }
    if let Some(shadow) = file.pointer_mut("/properties/components/properties/shadow") {
        one_or_many(shadow);
    }
    let Json::Object(file) = file else { return Json::Bool(true) };
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("title".to_owned(), json!("Trackside configuration (v0.3)"));
    whole.extend(file);
    whole.insert("type".to_owned(), json!("object"));
    whole.insert("anyOf".to_owned(), json!([{ "required": ["routing"] }, { "required": ["global"] }]));
    whole.insert("$defs".to_owned(), Json::Object(definitions));
    Json::Object(whole)
}

/// Takes an item of a list in the place of the list too.
fn one_or_many(list: &mut Json) {
    let Some(item) = list.get("items").cloned() else { return };
    let description = list.as_object_mut().and_then(|list| list.remove("description"));
    *list = json!({ "anyOf": [list, item], "description": description });
}

/// Puts a reference in the place of what stands under a key, and keeps its description.
fn refer(properties: &mut Json, key: &str, definition: &str) {
    let Some(place) = properties.get_mut(key) else { return };
    let mut reference = json!({ "$ref": format!("#/$defs/{definition}") });
    if let (Some(description), Some(reference)) = (place.get("description").cloned(), reference.as_object_mut()) {
        reference.insert("description".to_owned(), description);
    }
    *place = reference;
}

fn signals(declared: &Declared, definitions: &mut Map<String, Json>) -> Json {
    let mut lists = Map::new();
    let served: BTreeSet<&str> = declared.signals.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = words::SIGNALS.iter().map(|(_, kind)| *kind).collect();
    for kind in known.union(&served) {
        let name = format!("signal-{kind}");
        let mut rule = match declared.signals.get(*kind) {
            Some(schema) => parts::rule(schema, &name, definitions),
            None => shapes::of(shape(&["signals", kind])),
        };
        if *kind == "complexity" {
            parts::property(&mut rule, "composer", json!({ "$ref": "#/$defs/composer" }));
        }
        definitions.insert(name.clone(), rule);
        let section = words::signal_section(kind).unwrap_or(kind);
        let items = json!({ "$ref": format!("#/$defs/{name}") });
        lists.insert(section.to_owned(), json!({ "type": ["array", "null"], "items": items }));
    }
    let other = json!({ "type": "array", "items": { "type": "object", "required": ["name"] } });
    json!({ "type": ["object", "null"], "properties": lists, "additionalProperties": other })
}

fn algorithm(declared: &Declared, definitions: &mut Map<String, Json>) -> Json {
    let served: BTreeSet<&str> = declared.selectors.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = words::ALGORITHMS.iter().copied().collect();
    let mut properties = Map::new();
    for kind in known.union(&served) {
        let block = match declared.selectors.get(*kind) {
            Some(schema) => parts::whole(schema, &format!("algorithm-{kind}"), definitions),
            None => shapes::of(shape(&["algorithms", kind])),
        };
        properties.insert((*kind).to_owned(), block);
    }
    let kinds: Vec<&str> = known.union(&served).copied().collect();
    properties.insert("type".to_owned(), kind_of(&kinds, "algorithm"));
    properties.insert("on_error".to_owned(), shapes::at(&["routing", "decisions", "algorithm", "on_error"]));
    let other = json!({ "type": ["object", "null"] });
    json!({ "type": ["object", "null"], "required": ["type"], "properties": properties, "additionalProperties": other })
}

fn plugin(declared: &Declared, definitions: &mut Map<String, Json>) -> Json {
    let served: BTreeSet<&str> = declared.plugins.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = words::PLUGINS.iter().copied().collect();
    let kinds: Vec<&str> = known.union(&served).copied().filter(|kind| !OF_THE_HOST.contains(kind)).collect();
    let mut branches = Vec::new();
    for kind in &kinds {
        let configuration = match declared.plugins.get(*kind) {
            Some(schema) => parts::whole(schema, &format!("plugin-{kind}"), definitions),
            None => shapes::of(shape(&["plugins", kind])),
        };
        let spellings: Vec<&str> =
            words::PLUGIN_SPELLINGS.iter().copied().filter(|s| words::fold_plugin(s) == *kind).collect();
        let spellings = if spellings.is_empty() { vec![*kind] } else { spellings };
        branches.push(json!({
            "if": { "properties": { "type": { "enum": spellings } }, "required": ["type"] },
            "then": { "properties": { "configuration": configuration } },
        }));
    }
    json!({
        "type": "object",
        "required": ["type"],
        "properties": { "type": kind_of(&kinds, "plugins"), "configuration": {} },
        "additionalProperties": false,
        "allOf": branches,
    })
}

/// A type: one of those that are known, or another.
fn kind_of(kinds: &[&str], section: &str) -> Json {
    let description = told(&["file", "routing", "decisions", section, "type"]);
    json!({ "anyOf": [{ "enum": kinds }, { "type": "string" }], "description": description })
}

#[cfg(test)]
mod tests;
