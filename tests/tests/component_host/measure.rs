//! What calls and loading cost. For figures worth reading:
//! `cargo test --release -p trackside-tests --test component_host measure -- --nocapture`.

use crate::forge;
use crate::world::{COVETOUS, MISBEHAVING, World, ask_about, limits, request, rule};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::{CacheDir, Compiler, Engine, EngineOptions};
use trackside_tests::place;

#[tokio::test]
async fn a_pooled_call_costs_less_than_a_fresh_instance() {
    let world = Arc::new(World::default());
    let component = world.load(MISBEHAVING);
    let pooled = world.configure(&component, &rule("match"), &limits(), None).await.unwrap();
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
        world.configure(&component, &rule("match"), &limits(), None).await.unwrap();
        fresh.push(start.elapsed());
    }
    let trap = world.configure(&component, &rule("trap"), &limits(), None).await.unwrap();
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
    let engine = |compiler| {
        let cache = Some(CacheDir::open(home.path()).unwrap());
        let engine = Arc::new(World::default()).engine(EngineOptions { cache, compiler, instances: 100 });
        engine.traffic_begins();
        engine
    };
    let (here, apart) = (engine(Compiler::Here), engine(Compiler::Apart(place::trackside())));
    let load = |engine: &Engine, number: u8| {
        let wasm = forge::with_custom_section(COVETOUS, "number", &[number]);
        let start = Instant::now();
        engine.load(&wasm).unwrap();
        start.elapsed()
    };
    let many = |engine: &Engine, numbers: Range<u8>| median(&mut numbers.map(|n| load(engine, n)).collect::<Vec<_>>());
    let (compiled, compiled_apart) = (many(&here, 0..7), many(&apart, 10..17));
    let cached = many(&here, 0..7);
    let mut starts: Vec<_> = (0..7)
        .map(|_| {
            let start = Instant::now();
            apart.load(b"no component").unwrap_err();
            start.elapsed()
        })
        .collect();
    println!(
        "p50 of loading {} bytes of wasm: compiled here {compiled:?}, compiled apart {compiled_apart:?} (of which the process {:?}), \
         from the cache {cached:?}",
        COVETOUS.len(),
        median(&mut starts),
    );
    assert!(cached < compiled.min(compiled_apart), "from the cache {cached:?}");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
