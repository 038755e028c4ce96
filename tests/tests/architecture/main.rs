//! The rules of the house, checked on its own sources: who may depend on whom, what lies where, how large things may grow,
//! and that documents and examples tell the truth.

mod arrows;
mod contract;
mod documents;
mod examples;
mod sizes;
mod unsafety;

use std::path::{Path, PathBuf};
use trackside_tests::place;

/// Every file of the project below a folder of it, as paths from the top, in order. Build output is left out.
fn files(below: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().unwrap_or_default();
            match path.is_dir() && !path.is_symlink() {
                true if name == "target" || name == ".git" || name == "__pycache__" => {}
                true => collect(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    collect(&place::root().join(below), &mut found);
    let from_top = |path: PathBuf| path.strip_prefix(place::root()).expect("it lies below the top").to_owned();
    let mut found: Vec<_> = found.into_iter().map(from_top).collect();
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(place::root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with all faults at once.
fn assert_none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
