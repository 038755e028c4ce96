//! Settings as JSON for a component. The shape decides what a scalar means where it knows: `keywords: [404]` is text.
//! A key without a value counts as absent.

use super::Shape;
use crate::yaml::{Node, Value};
use serde_json::{Map, Value as Json};

fn to_json(node: &Node, shape: &Shape) -> Json {
    match &node.value {
        Value::Sequence(items) => {
            let inner = if let Shape::List(inner) = shape { inner } else { &Shape::Any };
            Json::Array(items.iter().map(|item| to_json(item, inner)).collect())
        }
        Value::Mapping(entries) => {
            let entries = entries.iter().filter(|e| !e.value.is_null());
            let value = |key: &str, node| to_json(node, shape.key(key).unwrap_or(&Shape::Any));
            Json::Object(entries.map(|e| (e.key.clone(), value(&e.key, &e.value))).collect())
        }
        Value::Scalar(scalar) if scalar.is_null() => Json::Null,
        Value::Scalar(scalar) => match shape {
            Shape::Text | Shape::Words(_) => Json::String(scalar.text.clone()),
            Shape::Bool => scalar.as_bool().map(Json::Bool).unwrap_or_else(|| scalar.to_json()),
            Shape::Int(..) | Shape::Number(..) => scalar.number_json().unwrap_or_else(|| scalar.to_json()),
            _ => scalar.to_json(),
        },
    }
}

/// As [`to_json`], but always an object: what is no mapping becomes an empty one.
pub(crate) fn to_object(node: Option<&Node>, shape: &Shape) -> Json {
    let json = node.map(|node| to_json(node, shape)).filter(Json::is_object);
    json.unwrap_or_else(|| Json::Object(Map::new()))
}
