//! The `components` block: files beside the built-in components, and everything that can be wrong with them.

use crate::changing::built_in;
use crate::process::{file, run};
use serde_json::Value;

/// A component that serves the signal type `keyword`.
fn keyword() -> &'static [u8] {
    built_in("signal-keyword")
}

/// The built-in configuration with a `components` block, in a folder of its own with these files.
fn validate(folder: &str, block: &str, files: &[(&str, &[u8])]) -> Value {
    for (name, bytes) in files {
        file(&format!("{folder}/{name}"), bytes);
    }
    let text = format!("{}\n{block}", include_str!("../../../config/router.yaml"));
    let path = file(&format!("{folder}/router.yaml"), text);
    let output = run(&["validate", "--format", "json", path.to_str().unwrap()]);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one diagnostic of a report as code and text of the line it points at.
fn only<'a>(report: &'a Value, block: &'a str) -> (&'a str, &'a str) {
    let [found] = report["diagnostics"].as_array().unwrap().as_slice() else { panic!("not one: {report:#}") };
    let built_in = include_str!("../../../config/router.yaml").lines().count();
    let line = usize::try_from(found["line"].as_u64().unwrap()).unwrap() - built_in - 2;
    (found["code"].as_str().unwrap(), block.lines().nth(line).unwrap().trim())
}

#[test]
fn a_file_replaces_the_built_in_of_its_type() {
    let block = "components:\n  directory: ./wasm\n";
    let report = validate("replace", block, &[("wasm/mine.wasm", keyword())]);
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 0, "{report:#}");
}

#[test]
fn a_missing_directory_is_told_where_it_is_named() {
    let block = "components:\n  directory: ./nowhere\n";
    assert_eq!(only(&validate("missing", block, &[]), block), ("E0411", "directory: ./nowhere"));
}

#[test]
fn a_file_that_is_no_component_is_told() {
    let block = "components:\n  use:\n    - type: mine\n      source: ./mine.wasm\n";
    let report = validate("garbage", block, &[("mine.wasm", b"not wasm")]);
    assert_eq!(only(&report, block), ("E0412", "source: ./mine.wasm"));
}

#[test]
fn another_digest_than_the_pinned_one_is_told_where_it_is_pinned() {
    let digest = format!("digest: sha256:{}", "0".repeat(64));
    let block = format!("components:\n  use:\n    - type: keyword\n      source: ./mine.wasm\n      {digest}\n");
    let report = validate("digest", &block, &[("mine.wasm", keyword())]);
    assert_eq!(only(&report, &block), ("E0413", digest.as_str()));
}

#[test]
fn a_file_that_serves_another_type_is_told() {
    let block = "components:\n  use:\n    - type: profanity\n      source: ./mine.wasm\n";
    let report = validate("another", block, &[("mine.wasm", keyword())]);
    assert_eq!(only(&report, block), ("E0414", "- type: profanity"));
}

#[test]
fn an_entry_for_a_type_that_nothing_serves_is_told() {
    let block = "components:\n  use:\n    - type: profanity\n      limits: {deadline: 20ms}\n";
    assert_eq!(only(&validate("nobody", block, &[]), block), ("E0415", "- type: profanity"));
}

#[test]
fn two_files_for_one_type_are_told() {
    let block = "components:\n  directory: ./wasm\n";
    let report = validate("rivals", block, &[("wasm/a.wasm", keyword()), ("wasm/b.wasm", keyword())]);
    assert_eq!(only(&report, block), ("E0416", "directory: ./wasm"));
}

#[test]
fn a_pinned_built_in_has_to_be_the_pinned_one() {
    let digest = format!("digest: sha256:{}", "0".repeat(64));
    let block = format!("components:\n  use:\n    - type: keyword\n      {digest}\n");
    assert_eq!(only(&validate("built-in", &block, &[]), &block).0, "E0413");
}

#[test]
fn an_artefact_that_cannot_be_read_is_told_where_it_is_named() {
    let block = "components:\n  use:\n    - type: keyword\n      artefact: ./nowhere.bin\n";
    assert_eq!(only(&validate("artefact", block, &[]), block), ("E0418", "artefact: ./nowhere.bin"));
    let block = "components:\n  use:\n    - type: keyword\n      artefact: ./folder\n";
    let report = validate("artefact-folder", block, &[("folder/file", b"")]);
    assert_eq!(only(&report, block), ("E0418", "artefact: ./folder"));
}

#[test]
fn an_artefact_that_nobody_reads_does_no_harm() {
    let block = "components:\n  use:\n    - type: keyword\n      artefact: ./file.bin\n";
    let report = validate("artefact-unread", block, &[("file.bin", b"anything")]);
    assert!(report["diagnostics"].as_array().is_some_and(Vec::is_empty), "{report}");
}
