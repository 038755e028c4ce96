//! Broken configurations and the exact text that each of them gives.
//!
//! A case is `NAME.yaml` with `NAME.expected` beside it. `TRACKSIDE_BLESS=1 cargo test -p trackside-config --test ui`
//! writes the expected text anew; read the difference before keeping it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf};
use support::load_and_check;
use trackside_config::CODES;

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
fn each_code_is_documented() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/README.md");
    let readme = fs::read_to_string(path).unwrap();
    for (code, title) in CODES {
        let heading = format!("### {code}: {title}\n");
        let paragraph =
            readme.split_once(&heading).unwrap_or_else(|| panic!("config/README.md has no heading {heading:?}")).1;
        let text = paragraph.split("###").next().unwrap().trim();
        assert!(text.len() > 60, "{code} needs a paragraph: {text:?}");
    }
    // E04 and W04 are pushed by the crates that deal with components.
    let ours =
        |line: &&str| ["### E0", "### W0"].iter().any(|p| line.starts_with(p)) && line.as_bytes().get(6) != Some(&b'4');
    let headings = readme.lines().filter(ours).count();
    assert_eq!(headings, CODES.len(), "config/README.md documents a code that does not exist");
}

/// Lines that are only on one side. Short texts: no need for a shortest edit.
fn difference(expected: &str, actual: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let only = |sign: &str, lines: &[&str], others: &[&str]| -> String {
        lines.iter().filter(|l| !others.contains(l)).map(|l| format!("  {sign} {l}\n")).collect()
    };
    only("-", &before, &after) + &only("+", &after, &before)
}
