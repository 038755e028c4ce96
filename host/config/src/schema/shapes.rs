//! Shapes as JSON Schema. A key without a value counts as absent, and any value may be a variable.

use crate::shape::{Keys, Need, Shape, shape, told};
use serde_json::{Map, Value as Json, json};

/// What YAML 1.1 calls true and false, and variables.
const BOOLEAN: &str = r"^([Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|[Yy]|[Nn])$|\$";
/// A variable somewhere in the text.
const VARIABLE: &str = r"\$";

/// The schema of a part of the file, by its path, with what is told about its keys.
pub(super) fn at(path: &[&str]) -> Json {
    let path = [&["file"], path].concat();
    described(shape(&path), Need::Optional, &path)
}

/// The schema of a shape about which nothing is told.
pub(super) fn of(shape: &Shape) -> Json {
    described(shape, Need::Optional, &[])
}

fn described(shape: &Shape, need: Need, path: &[&str]) -> Json {
    let mut schema = plain(shape, need, path);
    if let (Some(text), Some(schema)) = (told(path), schema.as_object_mut()) {
        schema.insert("description".to_owned(), text.into());
    }
    schema
}

fn plain(shape: &Shape, need: Need, path: &[&str]) -> Json {
    let nullable = |kinds: &[&str]| -> Vec<String> {
        let null = (need == Need::Optional).then_some("null");
        kinds.iter().copied().chain(null).map(str::to_owned).collect()
    };
    match shape {
        Shape::Any => json!({}),
        Shape::Text => json!({ "type": nullable(&["string", "number", "boolean"]) }),
        Shape::Bool => or_text(json!({ "type": nullable(&["boolean"]) }), BOOLEAN),
        Shape::Int(low, high) => {
            let mut number = json!({ "type": nullable(&["integer"]) });
            bound(&mut number, "minimum", (*low != i64::MIN).then(|| json!(low)));
            bound(&mut number, "maximum", (*high != i64::MAX).then(|| json!(high)));
            or_text(number, VARIABLE)
        }
        Shape::Number(low, high) => {
            let mut number = json!({ "type": nullable(&["number"]) });
            bound(&mut number, "minimum", (*low > f64::MIN).then(|| json!(low)));
            bound(&mut number, "maximum", (*high < f64::MAX).then(|| json!(high)));
            or_text(number, VARIABLE)
        }
        Shape::Words(words) => {
            let null = (need == Need::Optional).then_some(Json::Null);
            let words: Vec<Json> = words.iter().map(|word| json!(word)).chain(null).collect();
            or_text(json!({ "enum": words }), VARIABLE)
        }
        Shape::List(inner) => json!({ "type": nullable(&["array"]), "items": plain(inner, Need::Required, path) }),
        Shape::Map(keys) => mapping(keys, nullable(&["object"]), path),
    }
}

fn mapping(keys: &Keys, kinds: Vec<String>, path: &[&str]) -> Json {
    let property = |key: &crate::shape::Key| {
        let path = if path.is_empty() { Vec::new() } else { [path, &[key.name.as_str()]].concat() };
        (key.name.clone(), described(&key.shape, key.need, &path))
    };
    let properties: Map<String, Json> = keys.known.iter().map(property).collect();
    let required: Vec<&str> =
        keys.known.iter().filter(|key| key.need == Need::Required).map(|key| key.name.as_str()).collect();
    let other = keys.rest.as_ref().map_or(Json::Bool(false), |rest| plain(rest, Need::Optional, &[]));
    let mut schema = json!({ "type": kinds, "properties": properties, "additionalProperties": other });
    bound(&mut schema, "required", (!required.is_empty()).then(|| json!(required)));
    schema
}

/// A value, or a text that becomes one.
pub(super) fn or_text(value: Json, pattern: &str) -> Json {
    json!({ "anyOf": [value, { "type": "string", "pattern": pattern }] })
}

fn bound(schema: &mut Json, key: &str, value: Option<Json>) {
    if let (Some(value), Some(schema)) = (value, schema.as_object_mut()) {
        schema.insert(key.to_owned(), value);
    }
}

/// Loosens a schema for JSON into one for what people write in YAML: `name: 7` is text, `enabled: yes` is true, a variable may
/// stand for any value, and a key without a value is absent.
pub(super) fn loosen(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(loosen),
        Json::Object(keys) => {
            for (key, inner) in keys.iter_mut() {
                match key.as_str() {
                    // Their keys are names, not words of the schema.
                    "properties" | "$defs" | "patternProperties" => {
                        inner.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(loosen);
                    }
                    "default" | "const" | "enum" | "examples" | "required" => {}
                    _ => loosen(inner),
                }
            }
            loosen_type(keys);
        }
        _ => {}
    }
}

fn loosen_type(keys: &mut Map<String, Json>) {
    let kinds: Vec<String> = match keys.get("type") {
        Some(Json::String(kind)) => vec![kind.clone()],
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => return,
    };
    let has = |kind: &str| kinds.iter().any(|k| k == kind);
    let (text, number) = (has("string"), has("number") || has("integer"));
    let mut kinds = kinds.clone();
    if !has("null") {
        kinds.push("null".to_owned());
    }
    if text && !keys.contains_key("enum") {
        kinds.extend(["number", "boolean"].iter().filter(|kind| !has(kind)).map(|kind| (*kind).to_owned()));
    }
    let boolean = has("boolean");
    keys.insert("type".to_owned(), json!(kinds));
    if !text && (boolean || number) {
        let told = ["description", "default", "title"].map(|key| (key, keys.remove(key)));
        let value = Json::Object(std::mem::take(keys));
        let pattern = if boolean { BOOLEAN } else { VARIABLE };
        if let Json::Object(either) = or_text(value, pattern) {
            *keys = either;
        }
        keys.extend(told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
}
