//! What both suites load files with.

use std::{collections::BTreeMap, path::Path};
use trackside_config::{Abilities, Loaded, load};

/// Loads a file as the host does, with the component types of a bare installation and a fixed environment.
pub(crate) fn load_and_check(path: &Path) -> Loaded {
    let environment = BTreeMap::from([("SET".to_owned(), "value".to_owned()), ("EMPTY".to_owned(), String::new())]);
    let mut loaded = load(path, &environment).unwrap();
    loaded.source.name = path.file_name().unwrap().to_string_lossy().into_owned();
    if let Some(config) = &loaded.config {
        config.check_abilities(&served(), &mut loaded.report);
    }
    loaded
}

pub(crate) fn served() -> Abilities {
    let set = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    Abilities {
        signals: set(&["complexity", "domain", "embedding", "keyword", "preference", "reask"]),
        selectors: set(&["static"]),
        rankings: set(&["priority", "confidence"]),
        plugins: set(&["system_prompt", "reasoning"]),
    }
}
