//! A cursor over the tree: a value together with the place it stands at.

use crate::{
    Place, Span, Step,
    yaml::{Entry, Node},
};
use std::fmt;

/// A value, its place, and where to point when something is missing from it.
#[derive(Clone, Debug)]
pub(crate) struct View<'t> {
    pub(crate) node: &'t Node,
    pub(crate) place: Place,
    /// The key that introduces the value; the value itself inside a list.
    pub(crate) head: Span,
}

impl<'t> View<'t> {
    pub(crate) fn root(node: &'t Node) -> Self {
        Self { node, place: Place::default(), head: node.span }
    }

    /// The value of a key; nulls count as absent.
    pub(crate) fn get(&self, key: &str) -> Option<View<'t>> {
        self.node.entry(key).filter(|e| !e.value.is_null()).map(|e| self.below(e))
    }

    /// The value at the end of several keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<View<'t>> {
        keys.iter().try_fold(self.clone(), |view, key| view.get(key))
    }

    pub(crate) fn below(&self, entry: &'t Entry) -> View<'t> {
        View { node: &entry.value, place: self.place.key(&entry.key), head: entry.key_span }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'t str, View<'t>)> {
        self.node.entries().iter().map(|e| (e.key.as_str(), self.below(e)))
    }

    /// The items of the list under a key; none when there is no list.
    pub(crate) fn list(&self, key: &str) -> Vec<View<'t>> {
        self.get(key).map(|view| view.items().collect()).unwrap_or_default()
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = View<'t>> {
        self.node.items().iter().enumerate().map(|(i, node)| self.within(i, node))
    }

    /// The item at a position of the list.
    pub(crate) fn item(&self, index: usize) -> Option<View<'t>> {
        self.node.items().get(index).map(|node| self.within(index, node))
    }

    fn within(&self, index: usize, node: &'t Node) -> View<'t> {
        View { node, place: self.place.index(index), head: first_line(node) }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'t str> {
        self.node.get(key).and_then(Node::as_text)
    }

    pub(crate) fn string(&self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.node.get(key).and_then(Node::as_bool)
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.node.get(key).and_then(Node::as_number)
    }

    /// A whole number that fits the type asked for; the shape check has complained about any other.
    pub(crate) fn int<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        self.node.get(key).and_then(Node::as_int).and_then(|n| T::try_from(n).ok())
    }

    /// The texts of the list under a key.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.node.get(key).into_iter().flat_map(Node::items).filter_map(Node::as_text).map(str::to_owned).collect()
    }

    pub(crate) fn span(&self) -> Span {
        self.node.span
    }

    /// Where the value of a key stands, or else the view itself.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        self.node.get(key).map_or(self.head, |node| node.span)
    }
}

/// The place, with the item's name where it has one: `routing.decisions[2] "math"`.
impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        match (self.place.0.last(), self.text("name")) {
            (Some(Step::Index(_)), Some(name)) => write!(f, " {name:?}"),
            _ => Ok(()),
        }
    }
}

/// A block's first line is what a reader recognises; its last line is far away.
fn first_line(node: &Node) -> Span {
    node.entries().first().map_or(node.span, |e| e.key_span)
}

impl Place {
    /// The place of a key of the mapping here.
    #[must_use]
    pub fn key(&self, key: &str) -> Place {
        self.then(Step::Key(key.to_owned()))
    }

    /// The place of an item of the list here.
    #[must_use]
    pub fn index(&self, index: usize) -> Place {
        self.then(Step::Index(index))
    }

    /// The place that this one is directly inside of; the top is inside itself.
    #[must_use]
    pub fn parent(&self) -> Place {
        Place(self.0.split_last().map(|(_, above)| above.to_vec()).unwrap_or_default())
    }

    fn then(&self, step: Step) -> Place {
        Place(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
