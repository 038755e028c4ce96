//! How large a file may grow before it has to be taken apart.

use crate::{assert_none, files, read};
use std::path::{Path, PathBuf};

/// Most lines of a file, tests inside it not counted.
const CODE: usize = 600;
/// Nine files of ten are at most this long.
const MOST_CODE: usize = 400;
/// Most lines of a file of tests.
const TESTS: usize = 800;
/// Most lines of the files that should hold documentation and exports alone.
const ROOTS: usize = 200;
/// Most lines of a file of the contract.
const CONTRACT: usize = 250;
/// Most lines by which a component joins its logic to the contract.
const GLUE: usize = 60;

fn sources(end: &str) -> Vec<PathBuf> {
    files("").into_iter().filter(|path| path.extension().is_some_and(|found| found == end)).collect()
}

fn is_test(path: &Path) -> bool {
    let folder = path.iter().any(|part| part == "tests" || part == "benches");
    folder || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// Lines before the tests that a file ends with.
fn code_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    tests.unwrap_or(lines.len())
}

#[test]
fn no_file_is_longer_than_its_kind_allows() {
    let mut faults = Vec::new();
    let mut lengths = Vec::new();
    for path in sources("rs") {
        let text = read(&path);
        let root = path.file_stem().is_some_and(|stem| ["lib", "main", "mod"].iter().any(|name| stem == *name));
        let (lines, limit) = match is_test(&path) {
            true => (text.lines().count(), TESTS),
            // The one file of a small crate is both its root and its code.
            false if root && !is_component(&path) => (code_lines(&text), ROOTS),
            false => (code_lines(&text), CODE),
        };
        if lines > limit {
            faults.push(format!("{}: {lines} lines, at most {limit}", path.display()));
        }
        if !is_test(&path) {
            lengths.push(lines);
        }
    }
    for path in sources("wit") {
        let lines = read(&path).lines().count();
        if lines > CONTRACT {
            faults.push(format!("{}: {lines} lines, at most {CONTRACT}", path.display()));
        }
    }
    assert_none(&faults, "files have grown past their limit");
    lengths.sort_unstable();
    let ninth = lengths[lengths.len() * 9 / 10];
    assert!(ninth <= MOST_CODE, "one file in ten is longer than {ninth} lines, at most {MOST_CODE}");
}

fn is_component(path: &Path) -> bool {
    let name = path.iter().nth(1).map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    path.starts_with("plugins")
        && ["signal-", "ranking-", "selector-", "plugin-"].iter().any(|role| name.starts_with(role))
}

#[test]
fn a_component_joins_its_logic_to_the_contract_in_a_few_lines() {
    let mut faults = Vec::new();
    for path in sources("rs").into_iter().filter(|path| is_component(path) && path.ends_with("src/lib.rs")) {
        let text = read(&path);
        let lines = glue_lines(&text);
        if lines == 0 || lines > GLUE {
            faults.push(format!("{}: {lines} lines of glue, between 1 and {GLUE}", path.display()));
        }
    }
    assert_none(&faults, "glue");
}

/// Lines that say how the component looks from outside: what it takes from the SDK, what it implements of it, the export.
fn glue_lines(text: &str) -> usize {
    let mut inside = false;
    let mut count = 0;
    for line in text.lines().take(code_lines(text)) {
        let implements = line.starts_with("impl ") && line.contains(" for ");
        inside |= implements || line.starts_with("use trackside_sdk") || line.starts_with("trackside_sdk::");
        count += usize::from(inside);
        inside &= !(line.starts_with('}') || line.ends_with(';') && !line.starts_with(' '));
    }
    count
}
