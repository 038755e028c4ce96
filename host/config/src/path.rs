//! Paths of a table against the tree: `providers.models[].reliability` finds that key in every model.

use crate::view::View;

/// Every value at `path`. A `[]` at the end of a part stands for each item of the list.
pub(crate) fn find<'t>(root: &View<'t>, path: &str) -> Vec<View<'t>> {
    path.split('.').fold(vec![root.clone()], |views, part| {
        let key = part.strip_suffix("[]");
        let found = views.iter().filter_map(|view| view.get(key.unwrap_or(part)));
        match key {
            Some(_) => found.flat_map(|list| list.items().collect::<Vec<_>>()).collect(),
            None => found.collect(),
        }
    })
}

/// The name of the innermost list item with a name on the way to `view`, to tell several findings apart.
pub(crate) fn owner<'t>(root: &View<'t>, view: &View<'_>) -> Option<&'t str> {
    let mut node = root.node;
    let mut name = None;
    for step in &view.place.0 {
        node = match step {
            crate::Step::Key(key) => node.get(key)?,
            crate::Step::Index(index) => node.items().get(*index)?,
        };
        if matches!(step, crate::Step::Index(_)) {
            name = node.get("name").and_then(crate::yaml::Node::as_text).or(name);
        }
    }
    name
}
