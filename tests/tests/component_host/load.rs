//! What is refused before anything runs, and in which words.

use crate::forge::{self, importing};
use crate::world::{COVETOUS, MISBEHAVING, World, limits, rule};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use trackside_components::{
    CallError, Capability, ConfigureError, Description, Digest, EngineOptions, FailurePolicy, Grants, LoadError, Need,
    Role,
};
use trackside_guests::BUILT_IN;

fn refusal(wasm: &[u8]) -> LoadError {
    let engine = Arc::new(World::default()).engine(EngineOptions { instances: 10, ..EngineOptions::default() });
    engine.load(wasm).unwrap_err()
}

#[test]
fn a_component_introduces_itself() {
    let component = Arc::new(World::default()).load(MISBEHAVING);
    let description = component.description();
    assert_eq!((description.role, description.serves.as_str()), (Role::Signal, "misbehaving"));
    assert_eq!(description.needs, [Need::Text, Need::Embedding]);
    assert_eq!(description.on_failure, FailurePolicy::Open);
    assert_eq!(description.schema["type"], "object");
    assert_eq!(
        component.wants().iter().copied().collect::<Vec<_>>(),
        [Capability::Embeddings, Capability::Neighbours, Capability::KeyValue]
    );
    assert!(component.offers(Role::Signal) && !component.offers(Role::Ranking));
    assert!(component.digest().to_string().starts_with(&component.digest().short()));
}

#[test]
fn every_built_in_loads_and_is_granted_what_it_wants() {
    let engine = Arc::new(World::default()).engine(EngineOptions { instances: 10, ..EngineOptions::default() });
    for built_in in BUILT_IN {
        let component = engine.load(built_in.wasm).unwrap();
        let granted: Grants = built_in.grants().iter().map(|word| word.parse::<Capability>().unwrap()).collect();
        assert!(component.wants().iter().all(|&wanted| granted.contains(wanted)), "{}", built_in.name);
        let Description { role, serves, .. } = component.description();
        let folder = format!("{}-{}", role.as_str().trim_start_matches("request-"), serves.replace('_', "-"));
        // There is one ask, so its folder has no need of a role in front.
        assert_eq!(folder.replace("ask-ask", "ask"), built_in.name);
    }
}

#[test]
fn an_unknown_import_is_named() {
    let error = refusal(&importing("acme:tools/fax@1.0.0"));
    assert!(matches!(&error, LoadError::UnknownImport { import, .. } if import == "acme:tools/fax@1.0.0"), "{error}");
    let error = refusal(&importing("trackside:router/telepathy@0.1.4"));
    assert!(matches!(&error, LoadError::UnknownImport { .. }), "{error}");
}

#[test]
fn a_component_for_another_version_is_told_both() {
    for foreign in ["trackside:router/types@0.2.0", "trackside:router/types@1.0.0", "trackside:router/types"] {
        let error = refusal(&importing(foreign));
        assert!(matches!(&error, LoadError::Version { served: "0.1.0", .. }), "{foreign}: {error}");
    }
    let text = refusal(&importing("trackside:router/types@0.2.0")).to_string();
    assert!(text.contains("built for trackside:router@0.2.0") && text.contains("serves 0.1.0"), "{text}");
}

#[test]
fn a_component_without_lifecycle_is_refused() {
    let error = refusal(&importing("wasi:cli/environment@0.2.6"));
    assert!(matches!(error, LoadError::MissingExport { interface: "lifecycle", .. }), "{error}");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    for bytes in [&b""[..], b"not wasm at all", &forge::core_module(), &MISBEHAVING[..MISBEHAVING.len() / 2]] {
        assert!(matches!(refusal(bytes), LoadError::Invalid { .. }));
    }
}

#[test]
fn an_interface_under_another_name_is_missing() {
    let renamed = forge::renamed(MISBEHAVING, "router/signal-evaluation@", "router/signal-evaluatiom@");
    let error = refusal(&renamed);
    let expected =
        LoadError::MissingExport { digest: Digest::of(&renamed), interface: "signal-evaluation", role: Some("signal") };
    assert_eq!(error.to_string(), expected.to_string());
}

#[test]
fn a_component_of_an_older_contract_is_told_both_versions() {
    let older = forge::renamed(MISBEHAVING, "@0.1.0", "@0.0.9");
    assert!(matches!(refusal(&older), LoadError::Version { found, .. } if found == "0.0.9"));
}

#[test]
fn misbehaving_before_the_first_call_is_refused() {
    let describe = |wasm: Vec<u8>| match refusal(&wasm) {
        LoadError::Describe { source, .. } => source,
        other => panic!("{other}"),
    };
    let spun = describe(forge::starting_with(MISBEHAVING, forge::ENDLESS));
    assert_eq!(spun, CallError::Deadline { allowed: Duration::from_secs(2) });
    let trapped = describe(forge::starting_with(MISBEHAVING, forge::UNREACHABLE));
    assert_eq!(trapped.outcome(), "trap");
    assert_eq!(describe(forge::with_memory(MISBEHAVING, 4096)), CallError::Memory { limit_bytes: 16 << 20 });
    assert_eq!(describe(forge::with_table(MISBEHAVING, 50_000)), CallError::Tables { limit: 20_000 });
    assert_eq!(describe(forge::with_instances(MISBEHAVING, 100)).outcome(), "unavailable");
    assert_eq!(describe(forge::marked(MISBEHAVING, "describe trap")).outcome(), "trap");
    assert_eq!(describe(forge::marked(MISBEHAVING, "describe spin")).outcome(), "deadline");
    assert_eq!(describe(forge::marked(MISBEHAVING, "describe recurse")).outcome(), "trap");
    assert_eq!(describe(forge::marked(MISBEHAVING, "describe allocate")).outcome(), "memory");
}

#[test]
fn cases_are_found_beside_the_code() {
    let engine = Arc::new(World::default()).engine(EngineOptions { instances: 10, ..EngineOptions::default() });
    assert_eq!(engine.load(MISBEHAVING).unwrap().cases(), None);
    let with_cases = forge::with_custom_section(MISBEHAVING, "trackside:cases", b"{\"cases\": []}");
    assert_eq!(engine.load(&with_cases).unwrap().cases(), Some(&b"{\"cases\": []}"[..]));
}

#[tokio::test]
async fn a_capability_has_to_be_granted() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let some: Grants = [Capability::Embeddings, Capability::Neighbours].into_iter().collect();
    let error = world.configure_granted(&component, &rule("match"), &some).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "component \"misbehaving\" wants capability \"key-value\", which this configuration does not grant"
    );
    world.configure(&component, &rule("match"), &limits(), None).await.unwrap();
}

#[tokio::test]
async fn a_capability_that_is_not_offered_cannot_be_granted() {
    let world = Arc::new(World::default());
    let component = world.load(COVETOUS);
    let all: Grants = [Capability::Cache].into_iter().collect();
    let error = world.configure_granted(&component, &json!({ "rules": [] }), &all).await.unwrap_err();
    assert!(matches!(error, ConfigureError::NotOffered { capability: Capability::Cache, .. }), "{error}");
}
