//! Which keys the file may have and what type each value has, as a table that is itself YAML: [`v0_3.yaml`](v0_3.yaml).

mod check;
mod json;
#[cfg(test)]
mod reference;
mod removed;

pub(crate) use check::{Strictness, check, missing};
pub(crate) use json::to_object;
pub(crate) use removed::replacement;

use crate::{
    Report,
    yaml::{self, Node, Value},
};
use std::sync::LazyLock;

/// What a value may look like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Any,
    Text,
    Bool,
    /// A whole number between the bounds.
    Int(i64, i64),
    /// A number between the bounds.
    Number(f64, f64),
    /// One of these words.
    Words(Vec<String>),
    List(Box<Shape>),
    Map(Keys),
}

/// The keys of a mapping.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pub(crate) known: Vec<Key>,
    /// The shape of any other key's value, where any other key is fine.
    pub(crate) rest: Option<Box<Shape>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) need: Need,
    pub(crate) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

static TABLE: LazyLock<Shape> = LazyLock::new(|| {
    let mut report = Report::default();
    yaml::read(include_str!("v0_3.yaml"), &mut report).map_or(Shape::Any, |node| Shape::of(&node))
});

/// The shape at the end of a path of keys, such as `["file"]` or `["plugins", "system_prompt"]`.
pub(crate) fn shape(path: &[&str]) -> &'static Shape {
    static ANY: Shape = Shape::Any;
    path.iter().try_fold(&*TABLE, |shape, key| shape.key(key)).unwrap_or(&ANY)
}

/// What is told about the key at the end of a path of keys, lists left out. A recipe's routing has the keys of `routing`.
pub(crate) fn told(path: &[&str]) -> Option<&'static str> {
    static TOLD: LazyLock<Option<Node>> =
        LazyLock::new(|| yaml::read(include_str!("told.yaml"), &mut Report::default()));
    let path = match path {
        [file, "recipes", "routing", rest @ ..] => [&[*file, "routing"], rest].concat(),
        path => path.to_vec(),
    };
    let node = path.iter().try_fold(TOLD.as_ref()?, |node, key| node.get(key))?;
    node.as_text().or_else(|| node.get("_")?.as_text())
}

impl Shape {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Scalar(scalar) => Self::word(&scalar.text),
            Value::Sequence(items) => Shape::List(Box::new(items.first().map_or(Shape::Any, Shape::of))),
            Value::Mapping(entries) => {
                let mut keys = Keys::default();
                for entry in entries {
                    let shape = Shape::of(&entry.value);
                    match (entry.key.as_str(), entry.key.strip_suffix('!')) {
                        ("*", _) => keys.rest = Some(Box::new(shape)),
                        (_, Some(name)) => keys.known.push(Key { name: name.to_owned(), need: Need::Required, shape }),
                        (name, None) => keys.known.push(Key { name: name.to_owned(), need: Need::Optional, shape }),
                    }
                }
                Shape::Map(keys)
            }
        }
    }

    fn word(word: &str) -> Self {
        let bounds = |rest: &str| {
            let (low, high) = rest.split_once("..").unwrap_or_default();
            (low.parse().unwrap_or(f64::MIN), high.parse().unwrap_or(f64::MAX))
        };
        match word.split_once(' ').unwrap_or((word, "")) {
            ("any", _) => Shape::Any,
            ("text", _) => Shape::Text,
            ("bool", _) => Shape::Bool,
            ("number", rest) => {
                let (low, high) = bounds(rest);
                Shape::Number(low, high)
            }
            ("int", rest) => {
                let (low, high) = rest.split_once("..").unwrap_or_default();
                Shape::Int(low.parse().unwrap_or(i64::MIN), high.parse().unwrap_or(i64::MAX))
            }
            _ => Shape::Words(word.split('|').map(str::to_owned).collect()),
        }
    }

    /// The shape of a key's value.
    pub(crate) fn key(&self, name: &str) -> Option<&Shape> {
        let Shape::Map(keys) = self else { return None };
        keys.known.iter().find(|k| k.name == name).map(|k| &k.shape).or(keys.rest.as_deref())
    }

    /// The shape of a list's items.
    #[cfg(test)]
    pub(crate) fn item(&self) -> Option<&Shape> {
        if let Shape::List(inner) = self { Some(inner) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_without_a_diagnostic() {
        let mut report = Report::default();
        assert!(yaml::read(include_str!("v0_3.yaml"), &mut report).is_some());
        assert_eq!(report.iter().count(), 0, "{:?}", report.iter().next());
    }

    #[test]
    fn each_v0_3_type_has_its_settings_in_the_table() {
        use crate::words;
        let kinds = |group: &'static str, kinds: Vec<&'static str>| kinds.into_iter().map(move |k| (group, k));
        for (group, kind) in kinds("signals", words::SIGNALS.iter().map(|(_, k)| *k).collect())
            .chain(kinds("plugins", words::PLUGINS.to_vec()))
            .chain(kinds("algorithms", words::ALGORITHMS.to_vec()))
        {
            assert!(matches!(shape(&[group, kind]), Shape::Map(_)), "{group}.{kind}");
        }
    }

    #[test]
    fn every_key_of_the_file_is_told_about_and_no_other() {
        fn compare(shape: &Shape, told_about: Option<&Node>, path: &[&str], faults: &mut Vec<String>) {
            let shape = shape.item().unwrap_or(shape);
            let Shape::Map(keys) = shape else { return };
            for key in &keys.known {
                let path = [path, &[key.name.as_str()]].concat();
                if told(&path).is_none_or(|text| !text.ends_with('.') && !text.ends_with(')')) {
                    faults.push(format!("nothing is told about {}", path.join(".")));
                }
                compare(&key.shape, told_about.and_then(|node| node.get(&key.name)), &path, faults);
            }
            for entry in told_about.map(Node::entries).unwrap_or_default() {
                if entry.key != "_" && !keys.known.iter().any(|key| key.name == entry.key) {
                    faults.push(format!("{}.{} does not exist", path.join("."), entry.key));
                }
            }
        }
        let mut report = Report::default();
        let tree = yaml::read(include_str!("told.yaml"), &mut report);
        assert_eq!(report.iter().count(), 0, "{:?}", report.iter().next());
        let mut faults = Vec::new();
        compare(shape(&["file"]), tree.as_ref().and_then(|tree| tree.get("file")), &["file"], &mut faults);
        faults.retain(|fault| !fault.contains("reasoning_families."));
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn words_make_shapes() {
        assert!(matches!(Shape::word("int 0..5"), Shape::Int(0, 5)));
        assert!(matches!(Shape::word("number 0..1"), Shape::Number(low, high) if low == 0.0 && high == 1.0));
        assert!(matches!(Shape::word("a|b"), Shape::Words(words) if words == ["a", "b"]));
    }
}
