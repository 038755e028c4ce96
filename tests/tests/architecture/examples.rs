//! Examples and configurations load.

use crate::{assert_none, files, read};
use std::{path::PathBuf, process::Command};
use trackside_tests::place;

/// Runs `trackside validate` on each file; what it says about those that do not load.
fn refused(configurations: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let validate = |path: PathBuf| {
        let output = Command::new(place::trackside()).arg("validate").arg(&path).output().expect("trackside runs");
        let said = [output.stdout, output.stderr].concat();
        (!output.status.success()).then(|| format!("{}: {}", path.display(), String::from_utf8_lossy(&said)))
    };
    configurations.filter_map(validate).collect()
}

fn yaml(below: &str) -> Vec<PathBuf> {
    files(below).into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect()
}

#[test]
fn every_configuration_of_the_project_loads() {
    let examples = yaml("examples").into_iter().filter(|path| path.ends_with("router.yaml"));
    let shipped = yaml("config");
    let all: Vec<_> = examples.chain(shipped).map(|path| place::root().join(path)).collect();
    assert!(all.len() > 2, "too few configurations: {all:?}");
    assert_none(&refused(all.into_iter()), "configurations do not load");
}

#[test]
fn every_configuration_from_the_field_loads() {
    let Some(folder) = place::shared("configs") else { return };
    let entries =
        std::fs::read_dir(folder).expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    // One file is for the gateway, not for the router.
    let of_routers = entries.filter(|path| {
        path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("homelab-agentgateway.yaml")
    });
    assert_none(&refused(of_routers), "configurations do not load");
}

#[test]
fn envoy_accepts_its_examples() {
    let Some(envoy) = place::envoy() else { return };
    let examples: Vec<_> = yaml("examples").into_iter().filter(|path| path.ends_with("envoy.yaml")).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let output = Command::new(&envoy).args(["--mode", "validate", "-c"]).arg(place::root().join(&example)).output();
        let output = output.expect("envoy runs");
        assert!(output.status.success(), "{}: {}", example.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn gateways_route_by_models_that_the_router_knows() {
    for folder in ["examples/envoy-aibrix/envoy.yaml", "examples/agentgateway/agentgateway.yaml"].map(PathBuf::from) {
        let router = read(&folder.with_file_name("router.yaml"));
        let gateway = read(&folder);
        let routes: Vec<_> = gateway.split("exact: ").skip(1).filter_map(|rest| rest.split('}').next()).collect();
        assert!(!routes.is_empty(), "{} has no route by model", folder.display());
        for model in routes {
            assert!(router.contains(&format!("name: {model}")), "{}: {model} is no model", folder.display());
        }
    }
}
