//! Files from the field load without errors, and what is said about each is exactly what is not done yet.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::path::{Path, PathBuf};
use support::load_and_check;

const BATCH: &str = "W0201 global.services.api.batch_classification";
const RESPONSES: &str = "W0201 global.services.response_api";
const CACHE: &str = "W0201 global.stores.response_cache";
const CACHE_PLUGIN: &str = "W0203 response_cache";
const TOOLS: &str = "W0201 global.integrations.tools";

/// A file and what is said about it: the code and the thing.
const FILES: &[(&str, &[&str])] = &[
    ("agentgateway.yaml", &[CACHE_PLUGIN, RESPONSES, BATCH, CACHE, TOOLS]),
    ("ai-gateway.yaml", &[CACHE_PLUGIN, RESPONSES, BATCH, CACHE, TOOLS]),
    ("aibrix-vsr.yaml", &[CACHE_PLUGIN, BATCH, CACHE, TOOLS]),
    ("aibrix.yaml", &[TOOLS, BATCH, CACHE, CACHE_PLUGIN]),
    ("dynamo.yaml", &[CACHE_PLUGIN, BATCH, CACHE, TOOLS]),
    ("homelab-agentgateway.yaml", &["E0010"]),
    ("homelab.yaml", &["W0201 providers.models[].backend_refs[].base_url", "W0204 multi_factor"]),
    ("istio.yaml", &[BATCH]),
    ("llm-d.yaml", &[BATCH]),
];

#[test]
fn each_file_loads_and_lists_what_is_not_done() {
    let folder = repository().join("../shared/configs");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_string_lossy()).collect();
    assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (path, (name, expected)) in files.iter().zip(FILES) {
        assert_eq!(findings(path), *expected, "{name}");
    }
}

#[test]
fn the_default_configuration_has_nothing_to_say() {
    assert_eq!(findings(&repository().join("config/router.yaml")), Vec::<String>::new());
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each diagnostic as its code and the thing it is about.
fn findings(path: &Path) -> Vec<String> {
    let loaded = load_and_check(path);
    let thing = |message: &str| match message.split_once(" is not done yet") {
        Some((section, _)) => section.split(' ').next().map(str::to_owned),
        None => message.split('"').nth(1).map(str::to_owned),
    };
    let finding = |code: &str, message: &str| {
        [Some(code.to_owned()), thing(message)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    loaded.report.sorted().into_iter().map(|d| finding(d.code.0, &d.message)).collect()
}
