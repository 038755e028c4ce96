//! Documents name what is there.

use crate::{assert_none, files, read};
use std::path::{Path, PathBuf};
use trackside_tests::place;

/// What the top of the repository holds. A new folder is a decision, not an accident.
const FOLDERS: [&str; 7] = ["config", "examples", "host", "plugins", "proto", "tests", "wit"];

/// Names that hide an idea instead of telling it.
const NAMELESS: [&str; 7] = ["common", "helper", "helpers", "manager", "misc", "util", "utils"];

fn documents() -> impl Iterator<Item = PathBuf> {
    files("").into_iter().filter(|path| path.extension().is_some_and(|end| end == "md"))
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = read(&document);
        let bases = [place::root().join(document.parent().unwrap_or(Path::new(""))), place::root()];
        let links = between(&text, "](", ")").filter(|link| !link.contains("://") && !link.starts_with('#'));
        let linked =
            links.map(|link| link.split('#').next().unwrap_or_default()).filter(|link| !bases[0].join(link).exists());
        let quoted = between(&text, "`", "`").filter(|quote| names_a_path(quote, &bases));
        let quoted = quoted.filter(|quote| !bases.iter().any(|base| base.join(quote).exists()));
        faults.extend(linked.chain(quoted).map(|path| format!("{}: {path}", document.display())));
    }
    assert_none(&faults, "documents name what does not exist");
}

/// Whether a quoted text is a path: it begins with a folder that is there, and is no pattern.
fn names_a_path(quote: &str, bases: &[PathBuf]) -> bool {
    let Some((first, _)) = quote.split_once('/') else { return false };
    let pattern = quote.contains(|c: char| c.is_whitespace() || "*<>{}".contains(c));
    // What is built is there only sometimes.
    !first.is_empty() && first != "target" && !pattern && bases.iter().any(|base| base.join(first).is_dir())
}

/// The parts of each line that stand between two marks. Blocks of code are left out.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let mut code = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    });
    prose.flat_map(move |line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let (inside, after) = rest.split_once(open)?.1.split_once(close)?;
            rest = after;
            Some(inside)
        })
    })
}

#[test]
fn the_component_in_the_readme_is_the_one_that_the_sdk_compiles() {
    let readme = read(Path::new("README.md"));
    let code = readme.split_once("```rust\n").and_then(|(_, rest)| rest.split_once("```")).expect("it shows code").0;
    let sdk = read(Path::new("plugins/sdk/src/lib.rs"));
    let comment =
        |line: &str| line.strip_prefix("//!").map(|text| format!("{}\n", text.strip_prefix(' ').unwrap_or(text)));
    let documentation: String = sdk.lines().map_while(comment).collect();
    assert!(documentation.contains(code), "the README shows other code than plugins/sdk/src/lib.rs:\n{code}");
}

#[test]
fn parts_between_marks_are_found_outside_of_code() {
    let text = "a `b` c `d/e` [f](g)\n```\n`h`\n```\n`i` `";
    assert_eq!(between(text, "`", "`").collect::<Vec<_>>(), ["b", "d/e", "i"]);
    assert_eq!(between(text, "](", ")").collect::<Vec<_>>(), ["g"]);
    let top = [place::root()];
    let [path, other, rooted, pattern] =
        ["host/nothing", "text/plain", "/v1/models", "tests/<case>"].map(|quote| names_a_path(quote, &top));
    assert!(path && !other && !rooted && !pattern);
}

#[test]
fn the_top_holds_what_it_should_and_every_folder_has_a_readme() {
    let mut faults = Vec::new();
    for entry in std::fs::read_dir(place::root()).expect("the top can be read") {
        let entry = entry.expect("an entry can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let known = FOLDERS.contains(&name.as_str()) || name == "target" || name.starts_with('.');
        if entry.path().is_dir() && !known {
            faults.push(format!("{name}/ is not expected at the top"));
        }
    }
    let crates = files("").into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let crates = crates.filter_map(|path| Some(path.parent()?.to_owned()));
    let folders = FOLDERS.iter().map(PathBuf::from).chain(crates.filter(|path| path.starts_with("plugins")));
    let without = folders.filter(|folder| !place::root().join(folder).join("README.md").exists());
    faults.extend(without.map(|folder| format!("{}/ has no README.md", folder.display())));
    assert_none(&faults, "the top is not in order");
}

#[test]
fn no_file_or_folder_hides_its_idea() {
    let mut faults = Vec::new();
    for path in files("") {
        let mut names = path.iter().map(|part| Path::new(part).file_stem().unwrap_or_default().to_string_lossy());
        if names.any(|name| NAMELESS.contains(&name.as_ref())) {
            faults.push(path.display().to_string());
        }
    }
    assert_none(&faults, "name the idea");
}
