//! Broken configurations and the exact text that each of them gives, and what is told about each code.
//!
//! A case is `NAME.yaml` with `NAME.expected` beside it. `TRACKSIDE_BLESS=1 cargo test -p trackside-config --test ui`
//! writes the expected text anew; read the difference before keeping it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use support::{load_and_check, served};
use trackside_config::{CODES, explain, explained, parse};

fn cases() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    cases.sort();
    cases
}

#[test]
fn each_case_gives_its_expected_text() {
    let bless = std::env::var_os("TRACKSIDE_BLESS").is_some();
    let mut failures = Vec::new();
    for case in cases() {
        let loaded = load_and_check(&case);
        let actual = loaded.report.render(&loaded.source);
        let golden = case.with_extension("expected");
        if bless {
            fs::write(&golden, &actual).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if actual != expected {
            failures.push(format!("{}\n{}", case.display(), difference(&expected, &actual)));
        }
    }
    assert!(failures.is_empty(), "{} cases differ (- expected, + actual)\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn there_are_enough_cases_and_each_code_has_one() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let seen: BTreeSet<&str> =
        cases.iter().flat_map(|c| load_and_check(c).report.iter().map(|d| d.code.0).collect::<Vec<_>>()).collect();
    // A file of more than 4 MiB does not belong into the repository; a unit test makes one.
    let without: Vec<_> =
        CODES.iter().map(|(code, _)| code.0).filter(|code| !seen.contains(code) && *code != "E0002").collect();
    assert!(without.is_empty(), "no case for {without:?}");
}

#[test]
fn each_code_of_the_sources_is_explained_and_no_other() {
    let mut pushed: BTreeSet<String> = CODES.iter().map(|(code, _)| code.0.to_owned()).collect();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for source in ["routing/src", "src"].iter().flat_map(|folder| sources(&host.join(folder))) {
        let text = fs::read_to_string(source).unwrap();
        pushed.extend(text.split("Code(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    let explained: BTreeSet<String> = explained().map(|(code, _)| code.to_owned()).collect();
    assert_eq!(pushed, explained);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|end| end == "rs") {
            found.push(entry);
        }
    }
    found
}

#[test]
fn each_explanation_tells_the_meaning_an_example_and_the_way_out() {
    let titles: BTreeMap<&str, &str> = CODES.iter().map(|(code, title)| (code.0, *title)).collect();
    let mut order: Vec<&str> = Vec::new();
    for (code, title) in explained() {
        let text = explain(code).unwrap();
        assert!(titles.get(code).is_none_or(|expected| *expected == title), "{code} has another title: {title:?}");
        let parts: Vec<&str> = text.split("```").collect();
        let [before, example, after] = parts.as_slice() else { panic!("{code} has no example, or several") };
        assert!(before.trim().lines().skip(1).map(str::len).sum::<usize>() > 60, "{code} does not say what it means");
        assert!(example.trim().lines().count() > 1, "{code} has an empty example");
        assert!(after.trim().starts_with("Fix: ") && after.trim().len() > 15, "{code} does not say what to do");
        order.push(code);
    }
    let mut sorted = order.clone();
    sorted.sort_by_key(|code| (code.starts_with('W'), *code));
    assert_eq!(order, sorted, "the explanations are out of order");
    assert_eq!(explain("e0103"), explain("E0103"));
    assert_eq!(explain("E9999"), None);
}

#[test]
fn each_example_gives_its_code() {
    let mut tried = 0;
    for (code, _) in explained() {
        let Some(example) = explain(code).unwrap().split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```"))
        else {
            continue;
        };
        let environment: BTreeMap<String, String> = BTreeMap::new();
        let mut loaded = parse("example.yaml", example.0, Path::new("/"), &environment);
        if let Some(config) = &loaded.config {
            config.check_abilities(&served(), &mut loaded.report);
        }
        let found: Vec<&str> = loaded.report.iter().map(|d| d.code.0).collect();
        assert!(found.contains(&code), "the example of {code} gives {found:?}:\n{}", example.0);
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

/// Lines that are only on one side. Short texts: no need for a shortest edit.
fn difference(expected: &str, actual: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let only = |sign: &str, lines: &[&str], others: &[&str]| -> String {
        lines.iter().filter(|l| !others.contains(l)).map(|l| format!("  {sign} {l}\n")).collect()
    };
    only("-", &before, &after) + &only("+", &after, &before)
}
