//! Where code may do what the compiler cannot check.

use crate::{assert_none, files, read};
use std::path::PathBuf;

/// The modules that may. Of the program itself two: one maps machine code from its cache, one computes with vector
/// instructions. Of the SDK two, which hold generated bindings; what they do wrong stays inside a component's own memory.
const ALLOWED: [&str; 4] = [
    "host/components/src/artefact.rs",
    "host/inference/src/kernels/mod.rs",
    "plugins/sdk/src/bindings.rs",
    "plugins/sdk/src/std_io.rs",
];

fn named(name: &str) -> impl Iterator<Item = PathBuf> {
    files("").into_iter().filter(move |path| path.ends_with(name) || path.extension().is_some_and(|end| end == name))
}

#[test]
fn unsafe_code_is_forbidden_outside_a_few_modules() {
    let lifts =
        |line: &str| ["allow", "expect", "warn"].iter().any(|verb| line.contains(&format!("{verb}(unsafe_code")));
    let shipped = named("rs").filter(|path| !path.starts_with("tests"));
    let lifting: Vec<_> = shipped.filter(|path| read(path).lines().any(lifts)).collect();
    assert_eq!(lifting, ALLOWED.map(PathBuf::from), "these files lift the ban on unsafe code");
}

#[test]
fn every_crate_is_under_the_ban() {
    let top = read(&PathBuf::from("Cargo.toml"));
    let (_, lints) = top.split_once("[workspace.lints.rust]\n").expect("the workspace has lints");
    assert!(lints.starts_with("unsafe_code = \"deny\"\n"), "the workspace forbids unsafe code");
    let bound =
        |text: &str| text.contains("[lints]\nworkspace = true\n") || text.contains("\nunsafe_code = \"deny\"\n");
    let free = named("Cargo.toml").filter(|path| {
        let text = read(path);
        text.contains("[package]") && !bound(&text)
    });
    let faults: Vec<_> = free.map(|path| path.display().to_string()).collect();
    assert_none(&faults, "these crates are not under the workspace's lints");
}
