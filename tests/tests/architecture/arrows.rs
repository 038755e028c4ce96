//! Who may depend on whom.

use crate::assert_none;
use serde_json::Value;
use std::process::Command;
use trackside_tests::place;

/// The crates of ours that each crate may use. A crate that is not listed may use none, save that components use the SDK
/// and the tests use what they like.
const ALLOWED: [(&str, &[&str]); 4] = [
    (
        "trackside",
        &["components", "config", "extproc", "guests", "inference", "protocol", "routing", "store", "telemetry"],
    ),
    ("trackside-extproc", &["protocol", "routing", "telemetry"]),
    ("trackside-routing", &["components", "config", "protocol", "telemetry"]),
    ("trackside-testkit", &["components", "routing"]),
];

/// Heavy dependencies, each behind the one crate that exists to hide it.
const HIDDEN: [(&str, &str); 6] = [
    ("wasmtime", "trackside-components"),
    ("candle-core", "trackside-inference"),
    ("tokenizers", "trackside-inference"),
    ("granit-parser", "trackside-config"),
    ("axum", "trackside"),
    ("wit-bindgen", "trackside-sdk"),
];

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(place::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    metadata["packages"].as_array().expect("it lists packages").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn is_component(package: &Value) -> bool {
    let path = text(package, "manifest_path");
    let written_with_it = ["trackside-sdk", "trackside-testkit"].contains(&text(package, "name"));
    ["/plugins/", "/tests/misbehaving/", "/tests/stamp/", "/examples/"].iter().any(|folder| path.contains(folder))
        && !written_with_it
}

fn may_use(package: &Value, dependency: &Value) -> bool {
    let (name, used) = (text(package, "name"), text(dependency, "name"));
    let of_ours = used.strip_prefix("trackside-").unwrap_or(used);
    // A test may run the real components, whichever crate it is in.
    let for_tests = text(dependency, "kind") == "dev" && of_ours == "guests";
    let listed = ALLOWED.iter().any(|(from, to)| *from == name && to.contains(&of_ours));
    for_tests || listed || is_component(package) && of_ours == "sdk"
}

#[test]
fn crates_depend_on_each_other_only_as_drawn() {
    let mut faults = Vec::new();
    for package in packages().iter().filter(|package| text(package, "name") != "trackside-tests") {
        let dependencies = package["dependencies"].as_array().expect("a list").iter();
        let ours = dependencies.filter(|dependency| dependency["path"].is_string());
        let wrong = ours.filter(|dependency| !may_use(package, dependency));
        faults.extend(wrong.map(|dependency| format!("{} -> {}", text(package, "name"), text(dependency, "name"))));
    }
    assert_none(&faults, "these arrows are not in ARCHITECTURE.md");
}

#[test]
fn a_heavy_dependency_is_named_by_one_crate() {
    let mut faults = Vec::new();
    for package in &packages() {
        let dependencies = package["dependencies"].as_array().expect("a list").iter();
        for dependency in dependencies.filter(|dependency| dependency["kind"].is_null()) {
            let owner = HIDDEN.iter().find(|(name, _)| *name == text(dependency, "name")).map(|(_, owner)| *owner);
            if owner.is_some_and(|owner| owner != text(package, "name")) {
                faults.push(format!("{} -> {}", text(package, "name"), text(dependency, "name")));
            }
        }
    }
    assert_none(&faults, "these dependencies belong behind another crate");
}
