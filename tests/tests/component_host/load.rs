//! What is refused before anything runs, and in which words.

use crate::world::{COVETOUS, MISBEHAVING, World, grants, limits, rule};
use serde_json::json;
use std::sync::Arc;
use trackside_components::{
    Capability, ConfigureError, Description, EngineOptions, FailurePolicy, Grants, LoadError, Need, Role,
};
use trackside_guests::BUILT_IN;

/// A component that does nothing but import one empty interface.
fn importing(name: &str) -> Vec<u8> {
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    wasm.extend([7, 3, 1, 0x42, 0]);
    let name_length = u8::try_from(name.len()).unwrap();
    wasm.extend([10, name_length + 5, 1, 0, name_length]);
    wasm.extend(name.as_bytes());
    wasm.extend([5, 0]);
    wasm
}

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
    for bytes in [&b""[..], b"not wasm at all", b"\0asm\x01\0\0\0", &MISBEHAVING[..MISBEHAVING.len() / 2]] {
        assert!(matches!(refusal(bytes), LoadError::Invalid { .. }));
    }
}

#[tokio::test]
async fn a_capability_has_to_be_granted() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let some: Grants = [Capability::Embeddings, Capability::Neighbours].into_iter().collect();
    let error = component.configure(&rule("match"), &some, &limits(), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "component \"misbehaving\" wants capability \"key-value\", which this configuration does not grant"
    );
    component.configure(&rule("match"), &grants(), &limits(), None).await.unwrap();
}

#[tokio::test]
async fn a_capability_that_is_not_offered_cannot_be_granted() {
    let component = Arc::new(World::default()).load(COVETOUS);
    let all: Grants = [Capability::Cache].into_iter().collect();
    let error = component.configure(&json!({ "rules": [] }), &all, &limits(), None).await.unwrap_err();
    assert!(matches!(error, ConfigureError::NotOffered { capability: Capability::Cache, .. }), "{error}");
}
