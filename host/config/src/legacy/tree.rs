//! Taking a tree apart and putting it together again.

use crate::{
    Span,
    yaml::{Entry, Node, Scalar, Style, Value},
};

impl Node {
    /// A text that the file does not have, at the place that it comes from.
    pub(super) fn of_text(span: Span, text: impl Into<String>) -> Node {
        Node { span, value: Value::Scalar(Scalar { text: text.into(), style: Style::Plain }) }
    }

    pub(super) fn of_items(span: Span, items: Vec<Node>) -> Node {
        Node { span, value: Value::Sequence(items) }
    }

    pub(super) fn of_entries(span: Span, entries: Vec<Entry>) -> Node {
        Node { span, value: Value::Mapping(entries) }
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        if let Value::Mapping(entries) = self.value { entries } else { Vec::new() }
    }

    pub(super) fn into_items(self) -> Vec<Node> {
        if let Value::Sequence(items) = self.value { items } else { Vec::new() }
    }

    pub(super) fn items_mut(&mut self) -> &mut [Node] {
        if let Value::Sequence(items) = &mut self.value { items } else { &mut [] }
    }

    pub(super) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let Value::Mapping(entries) = &mut self.value else { return None };
        entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Takes a key out.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let Value::Mapping(entries) = &mut self.value else { return None };
        entries.iter().position(|entry| entry.key == key).map(|at| entries.remove(at))
    }

    /// Takes the key at the end of a path out.
    pub(super) fn take_at(&mut self, path: &[&str]) -> Option<Entry> {
        let (last, above) = path.split_last()?;
        let owner = above.iter().try_fold(self, |node, key| node.entry_mut(key).map(|entry| &mut entry.value))?;
        owner.take(last)
    }

    /// Puts an entry to the end of a path under the path's last key. What is there already stays.
    pub(super) fn put(&mut self, path: &[&str], entry: Entry) {
        let Some((last, above)) = path.split_last() else { return };
        let mut node = self;
        for key in above {
            match node.or_insert(key, &entry) {
                Some(next) => node = next,
                None => return,
            }
        }
        if node.is_null() {
            node.value = Value::Mapping(Vec::new());
        }
        if let Value::Mapping(entries) = &mut node.value
            && !entries.iter().any(|known| known.key == *last)
        {
            entries.push(Entry { key: (*last).to_owned(), ..entry });
        }
    }

    /// The mapping under a key, made where `of` stands if it is not there.
    fn or_insert(&mut self, key: &str, of: &Entry) -> Option<&mut Node> {
        if self.is_null() {
            self.value = Value::Mapping(Vec::new());
        }
        let Value::Mapping(entries) = &mut self.value else { return None };
        let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            let value = Node::of_entries(of.key_span, Vec::new());
            entries.push(Entry { key: key.to_owned(), key_span: of.key_span, value });
            entries.len() - 1
        });
        entries.get_mut(at).map(|entry| &mut entry.value)
    }
}

impl Entry {
    /// An entry that the file does not have, at the place that it comes from.
    pub(super) fn new(key: &str, value: Node) -> Entry {
        Entry { key: key.to_owned(), key_span: value.span, value }
    }

    /// The same under another key.
    pub(super) fn renamed(self, key: &str) -> Entry {
        Entry { key: key.to_owned(), ..self }
    }
}
