//! When two set-ups come to the same, and what outlives a configured component.

use crate::forge;
use crate::world::{MISBEHAVING, Model, World, ask, grants, limits, rule};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use trackside_components::{
    ArtefactFile, Capability, EmbedFailure, EngineOptions, Grants, Limits, NoModel, Setup, Waiting,
};
use trackside_guests::BUILT_IN;

/// Embeds everything alike, under a name.
struct Named(&'static str);

impl trackside_components::Embed for Named {
    fn available(&self) -> bool {
        true
    }

    fn model(&self) -> Option<&str> {
        Some("letters")
    }

    fn fingerprint(&self) -> Option<&str> {
        Some(self.0)
    }

    fn embed<'a>(&'a self, _: &'a str, _: std::time::Instant) -> Waiting<'a, Result<Arc<[f32]>, EmbedFailure>> {
        Box::pin(async { Ok([1.0, 0.0, 0.0].into()) })
    }
}

fn setup<'a>(settings: &'a Value, grants: &'a Grants, limits: &'a Limits) -> Setup<'a> {
    Setup { settings, grants, limits, artefact: None, embed: Arc::new(NoModel) }
}

#[test]
fn everything_that_a_component_can_tell_apart_is_part_of_its_identity() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let (settings, granted, bounds) = (rule("match"), grants(), limits());
    let standard = || setup(&settings, &granted, &bounds);
    assert_eq!(component.identity(&standard()), component.identity(&standard()));

    let (other_settings, fewer): (_, Grants) = (rule("trap"), [Capability::KeyValue].into_iter().collect());
    let other_limits = [
        Limits { memory_bytes: 1, ..bounds },
        Limits { deadline: Duration::ZERO, ..bounds },
        Limits { configure_deadline: Duration::ZERO, ..bounds },
        Limits { output_bytes: 1, ..bounds },
        Limits { table_elements: 1, ..bounds },
        Limits { instances: 1, ..bounds },
    ];
    let mut setups = vec![
        standard(),
        setup(&other_settings, &granted, &bounds),
        setup(&settings, &fewer, &bounds),
        Setup { artefact: ArtefactFile::new(vec![]), ..standard() },
        Setup { artefact: ArtefactFile::new(vec![1]), ..standard() },
        Setup { embed: Arc::new(Named("a")), ..standard() },
        Setup { embed: Arc::new(Named("b")), ..standard() },
    ];
    setups.extend(other_limits.iter().map(|limits| setup(&settings, &granted, limits)));
    let mut identities: BTreeSet<_> = setups.iter().map(|setup| component.identity(setup)).collect();
    identities.insert(world.load(&forge::with_custom_section(MISBEHAVING, "x", b"")).identity(&standard()));
    assert_eq!(identities.len(), setups.len() + 1, "two of them are alike");
}

#[test]
fn the_model_is_nothing_to_a_component_that_compares_no_texts() {
    let engine = Arc::new(World::default()).engine(EngineOptions { instances: 10, ..EngineOptions::default() });
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == "selector-static").unwrap();
    let component = engine.load(built_in.wasm).unwrap();
    let (settings, granted, bounds) = (json!({}), Grants::none(), limits());
    let with = |model| Setup { embed: Arc::new(Named(model)), ..setup(&settings, &granted, &bounds) };
    assert_eq!(component.identity(&with("a")), component.identity(&with("b")));
}

#[tokio::test]
async fn a_component_keeps_its_model_while_it_lives_only_if_it_compares_texts() {
    let world = Arc::new(World::default());
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == "selector-static").unwrap();
    let model: Arc<Named> = Arc::new(Named("a"));
    let (settings, granted, bounds) = (json!({}), Grants::none(), limits());
    let (selector, comparing) = (world.load(built_in.wasm), world.load(MISBEHAVING));
    let with_model = |settings, granted| Setup { embed: model.clone(), ..setup(settings, granted, &bounds) };
    let selector = selector.configure(with_model(&settings, &granted)).await.unwrap();
    assert_eq!(Arc::strong_count(&model), 1);

    let (settings, granted) = (rule("compare"), grants());
    let comparing = comparing.configure(with_model(&settings, &granted)).await.unwrap();
    assert_eq!(Arc::strong_count(&model), 2);
    drop((selector, comparing));
    assert_eq!(Arc::strong_count(&model), 1);
}

#[tokio::test]
async fn another_model_makes_other_banks_and_the_same_one_the_same() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let (settings, granted, bounds) = (rule("compare"), grants(), limits());
    let first =
        component.configure(Setup { embed: world.clone(), ..setup(&settings, &granted, &bounds) }).await.unwrap();
    assert_eq!(world.embedded.lock().unwrap().len(), 3);
    let other = component.configure(Setup { embed: Arc::new(Named("alike")), ..setup(&settings, &granted, &bounds) });
    let other = other.await.unwrap();
    assert_eq!(ask(&other, "cup").await.unwrap()[0].detail, "[1.0, 1.0, 1.0]");
    assert_eq!(ask(&first, "cup").await.unwrap()[0].detail, "[0.0, 0.0, 1.0]");

    let twin = World::with(Model::Ready);
    component.configure(Setup { embed: twin.clone(), ..setup(&settings, &granted, &bounds) }).await.unwrap();
    assert!(twin.embedded.lock().unwrap().is_empty(), "what stands on the shelf was embedded again");
}

#[tokio::test]
async fn a_weak_reference_leads_to_the_same_instances_while_somebody_uses_them() {
    let configured = Arc::new(World::default()).that("match").await;
    let weak = configured.downgrade();
    let again = weak.upgrade().unwrap();
    ask(&again, "").await.unwrap();
    assert_eq!(configured.instances(), again.instances());
    assert_eq!(configured.instances().created, 1);
    drop((configured, again));
    assert!(weak.upgrade().is_none());
}
