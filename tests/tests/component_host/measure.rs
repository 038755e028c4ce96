//! What calls and loading cost. For figures worth reading:
//! `cargo test --release -p trackside-tests --test component_host measure -- --nocapture`.

use crate::world::{MISBEHAVING, World, ask_about, grants, limits, request, rule};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::{CacheDir, EngineOptions};

#[tokio::test]
async fn a_pooled_call_costs_less_than_a_fresh_instance() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let pooled = component.configure(&rule("match"), &grants(), &limits(), None).await.unwrap();
    let about = request("what is the derivative of x^3?");
    let mut calls = Vec::new();
    for _ in 0..3000 {
        let start = Instant::now();
        ask_about(&pooled, &about).await.unwrap();
        calls.push(start.elapsed());
    }
    let mut fresh = Vec::new();
    for _ in 0..300 {
        let start = Instant::now();
        component.configure(&rule("match"), &grants(), &limits(), None).await.unwrap();
        fresh.push(start.elapsed());
    }
    let trap = component.configure(&rule("trap"), &grants(), &limits(), None).await.unwrap();
    let mut traps = Vec::new();
    for _ in 0..300 {
        let start = Instant::now();
        ask_about(&trap, &about).await.unwrap_err();
        traps.push(start.elapsed());
    }
    let (call, instance, trap) = (median(&mut calls), median(&mut fresh), median(&mut traps));
    println!("p50: pooled call {call:?}, instantiate + configure {instance:?}, trap + fresh instance {trap:?}");
    assert!(call < instance, "a pooled call took {call:?}, a fresh instance {instance:?}");
}

#[test]
fn loading_from_the_cache_costs_less_than_compiling() {
    let home = tempfile::tempdir().unwrap();
    let load = || {
        let options = EngineOptions { cache: Some(CacheDir::open(home.path()).unwrap()), ..EngineOptions::default() };
        let engine = Arc::new(World::default()).engine(options);
        let start = Instant::now();
        engine.load(MISBEHAVING).unwrap();
        start.elapsed()
    };
    let (compiled, cached) = (load(), load());
    println!("load: compiled {compiled:?}, from the cache {cached:?}, {} bytes of wasm", MISBEHAVING.len());
    assert!(cached < compiled, "from the cache {cached:?}, compiled {compiled:?}");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
