//! What the contract promises to components, and what the host makes of their answers.

use crate::world::{World, ask};
use std::sync::Arc;
use trackside_components::Level;

async fn detail(does: &str, text: &str) -> String {
    let configured = Arc::new(World::default()).that(does).await;
    ask(&configured, text).await.unwrap().remove(0).detail
}

#[tokio::test]
async fn confidences_are_finite_and_details_short() {
    let world = Arc::new(World::default());
    let found = ask(&world.that("not-a-number").await, "").await.unwrap();
    assert_eq!(found[0].confidence, 0.0);
    let found = ask(&world.that("exaggerate").await, "").await.unwrap();
    assert_eq!((found[0].confidence, found[0].detail.len()), (1.0, 256));
}

#[tokio::test]
async fn an_unknown_rule_is_passed_on_for_the_caller_to_judge() {
    let found = ask(&Arc::new(World::default()).that("invent").await, "").await.unwrap();
    assert_eq!(found[0].rule, "invented");
}

#[tokio::test]
async fn getters_read_the_request_and_the_body_only_when_it_is_needed() {
    assert_eq!(
        detail("read", "hello").await,
        "header Some(\"value of x-test\") messages 1 first Some((\"user\", \"hello\")) field Some(\"\\\"auto\\\"\") \
         body \"\" metadata Some(\"acme\") matches 0"
    );
}

#[tokio::test]
async fn hash_maps_work_without_wasi() {
    assert_eq!(detail("hash", "hello").await, "1");
}

#[tokio::test]
async fn twenty_lines_are_written_and_the_rest_is_counted() {
    let world = Arc::new(World::default());
    let configured = world.that("chatter").await;
    ask(&configured, "").await.unwrap();
    let lines = world.lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 20);
    assert_eq!(lines[19], (Some("request-1".to_owned()), Level::Info, "line 19".to_owned()));
    assert_eq!(*world.dropped_lines.lock().unwrap(), 10);
}

#[tokio::test]
async fn a_component_has_fifty_metric_names() {
    let world = Arc::new(World::default());
    let configured = world.that("count").await;
    for _ in 0..3 {
        ask(&configured, "").await.unwrap();
    }
    let counters = world.counters.lock().unwrap();
    assert_eq!(counters.len(), 50);
    assert_eq!(counters["misbehaving/number_49"], 3.0);
}

#[tokio::test]
async fn values_outlive_instances() {
    let world = Arc::new(World::default());
    let configured = world.that_loses_its_instance("remember").await;
    assert_eq!(ask(&configured, "").await.unwrap()[0].detail, "1");
    ask(&configured, "spin").await.unwrap_err();
    assert_eq!(ask(&configured, "").await.unwrap()[0].detail, "3");
    assert_eq!(configured.instances().created, 2);
}
