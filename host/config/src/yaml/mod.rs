//! YAML as a tree in which every key and every value knows its place in the text.
//!
//! Built on `granit-parser`'s events rather than on a serde deserialiser: serde hands over values, while a diagnostic
//! needs the span of each key, the text of each scalar as written, and both sides of a duplicate.

mod merge;
mod origin;
mod read;
mod scalar;

pub(crate) use origin::Origin;
pub(crate) use read::read_from;
pub(crate) use scalar::{Scalar, Style};

use crate::{Report, Span};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// In the order of the file, keys unique, merge keys resolved.
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// Reads the first document of `text`. `None` when it cannot be read; the report then says why.
pub(crate) fn read(text: &str, report: &mut Report) -> Option<Node> {
    read_from(text, &Origin::File, report)
}

impl Node {
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key == key)
    }

    /// The value of a key. A null counts as absent, as it does in v0.3.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value).filter(|node| !node.is_null())
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Mapping(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a sequence; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        if let Value::Sequence(items) = &self.value { items } else { &[] }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// Null, an empty list or an empty mapping.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => scalar.is_null(),
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
        }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        if let Value::Scalar(scalar) = &self.value { Some(scalar).filter(|s| !s.is_null()) } else { None }
    }

    /// The text of any scalar, numbers included: v0.3 reads `name: 7` as the name "7".
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.scalar().map(|s| s.text.as_str())
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        self.scalar().and_then(Scalar::as_bool)
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        self.scalar().and_then(Scalar::as_int)
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        self.scalar().and_then(Scalar::as_number)
    }

    /// Bytes that a copy takes, about.
    pub(crate) fn weight(&self) -> usize {
        let inside: usize = match &self.value {
            Value::Scalar(scalar) => scalar.text.len(),
            Value::Sequence(items) => items.iter().map(Node::weight).sum(),
            Value::Mapping(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.weight()).sum(),
        };
        inside + size_of::<Entry>()
    }

    /// What it is, for a message.
    pub(crate) fn kind(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing".to_owned(),
            Value::Scalar(scalar) => format!("{:?}", crate::suggest::shorten(&scalar.text)),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
