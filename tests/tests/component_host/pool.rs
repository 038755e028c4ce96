//! Instances are shared, bounded, and never used again after something went wrong.

use crate::world::{MISBEHAVING, World, ask, head, limits, request, rule};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use trackside_components::{CallError, EngineOptions, Limits};

#[tokio::test]
async fn one_instance_serves_one_call_after_the_other() {
    let world = Arc::new(World::default());
    let configured = world.that("match").await;
    for _ in 0..100 {
        assert_eq!(ask(&configured, "").await.unwrap().len(), 1);
    }
    assert_eq!((configured.instances().created, configured.instances().idle), (1, 1));
    assert_eq!(world.outcomes(), ["ok"; 100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_calls_at_once_share_four_instances() {
    let world = Arc::new(World::default());
    let limits = Limits { instances: 4, deadline: Duration::from_secs(20), ..limits() };
    let configured = world.that_within("hash", limits).await;
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let configured = configured.clone();
        calls.spawn(async move { ask(&configured, &format!("text {n}")).await });
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap().len(), 1);
    }
    let counts = configured.instances();
    assert!(counts.created <= 4 && counts.dropped == 0, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_that_nobody_needs_any_more_are_given_back() {
    let world = Arc::new(World::default());
    let engine = world.engine(EngineOptions { instances: 100, ..EngineOptions::default() });
    let component = engine.load(MISBEHAVING).unwrap();
    let limits = Limits { instances: 4, deadline: Duration::from_secs(20), ..limits() };
    let configured = world.configure(&component, &rule("hash"), &limits, None).await.unwrap();
    while configured.instances().created == 1 {
        let calls = (0..8).map(|n| {
            let configured = configured.clone();
            async move { ask(&configured, &format!("text {n}")).await.map(|_| ()) }
        });
        assert!(calls.collect::<JoinSet<_>>().join_all().await.into_iter().all(|answer| answer.is_ok()));
    }
    let crowd = configured.instances();
    engine.rest();
    assert_eq!(configured.instances(), crowd, "they were needed a moment ago");
    ask(&configured, "one").await.unwrap();
    engine.rest();
    let counts = configured.instances();
    assert_eq!((counts.idle, counts.dropped), (1, 0), "{counts:?}");
    ask(&configured, "another").await.unwrap();
    assert_eq!(configured.instances().created, crowd.created);
}

#[tokio::test]
async fn a_call_that_finds_every_instance_out_waits_and_then_gives_up() {
    let world = Arc::new(World::default());
    let limits = Limits { instances: 1, deadline: Duration::from_millis(300), ..limits() };
    let configured = world.that_within("wait", limits).await;
    let short = configured.clone();
    let second = async move {
        tokio::task::yield_now().await;
        let deadline = Instant::now() + Duration::from_millis(30);
        short.evaluate(&request(""), &head(""), deadline).await.unwrap_err()
    };
    let (first, second) = tokio::join!(ask(&configured, ""), second);
    assert_eq!(second, CallError::Exhausted);
    assert_eq!(first.unwrap_err().outcome(), "deadline");
    assert_eq!(world.outcomes(), ["unavailable", "deadline"]);
}

#[tokio::test]
async fn no_number_of_instances_is_too_small_or_too_large() {
    let world = Arc::new(World::default());
    for instances in [0, 1, usize::MAX] {
        let configured = world.that_within("match", Limits { instances, ..limits() }).await;
        assert_eq!(ask(&configured, "").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_cancelled_call_takes_its_instance_with_it() {
    let world = Arc::new(World::default());
    for does in ["wait", "spin"] {
        let configured = world.that(does).await;
        let cancelled = tokio::time::timeout(Duration::from_millis(20), ask(&configured, "")).await;
        assert!(cancelled.is_err(), "{does} ended by itself");
        let counts = configured.instances();
        assert_eq!((counts.created, counts.dropped, counts.idle), (1, 1, 0), "{does}: {counts:?}");
    }
    assert_eq!(world.outcomes(), ["cancelled"; 2]);
}

#[tokio::test]
async fn a_fresh_instance_serves_what_a_stopped_one_could_not() {
    let world = Arc::new(World::default());
    let configured = world.that("spin-if-asked").await;
    assert_eq!(ask(&configured, "spin").await.unwrap_err().outcome(), "deadline");
    assert_eq!(ask(&configured, "calm").await.unwrap().len(), 1);
    assert_eq!(world.outcomes(), ["deadline", "ok"]);
    assert_eq!((configured.instances().created, configured.instances().dropped), (2, 1));
}

#[tokio::test]
async fn an_ability_that_is_not_exported_is_unavailable() {
    let configured = Arc::new(World::default()).that("match").await;
    let error =
        configured.rank(&request(""), &head(""), &[], Instant::now() + Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error, CallError::Missing { interface: "decision-ranking" });
}
