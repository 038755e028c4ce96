//! What a semantic decision adds to a request through a real Envoy: prompts that are new each time and hold no keyword,
//! beside one that a keyword decides and whose embedding is remembered, in turns. The time of one embedding is taken in
//! the same turns, by the same encoder inside this process: one of each after the other, so that each finds the caches as
//! the others leave them.

#[path = "roundtrip/client.rs"]
mod client;

use bytes::Bytes;
use client::Client;
use serde_json::json;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};
use trackside_inference::{Embedder, Encoder, Options};
use trackside_tests::{Stage, mode, place};

const WARM_UP: usize = 300;
const ROUNDS: usize = 2000;
const BAR: f64 = 1.15;
/// The product's default: tests give decisions more time, and with it comes a message more for each request.
const DEADLINE: [&str; 2] = ["--decision-deadline", "150ms"];

/// Fourteen words of one token each: sixteen tokens with the two that are added to every text.
struct Prompts(usize);

impl Prompts {
    fn next(&mut self) -> String {
        const VERBS: [&str; 10] =
            ["build", "sell", "move", "study", "compare", "measure", "explain", "protect", "repair", "teach"];
        const KINDS: [&str; 10] =
            ["small", "large", "old", "new", "cheap", "rare", "heavy", "light", "public", "private"];
        const THINGS: [&str; 10] =
            ["house", "river", "company", "contract", "cell", "planet", "market", "engine", "poem", "army"];
        let n = self.0;
        self.0 += 1;
        let of = |list: [&'static str; 10], power: u32| list[n / 10_usize.pow(power) % 10];
        let (verb, kind, thing) = (of(VERBS, 0), of(KINDS, 1), of(THINGS, 2));
        let (other, place) = (of(KINDS, 3), of(THINGS, 4));
        format!("what is the best way to {verb} a {kind} {thing} near a {other} {place}")
    }
}

fn chat(content: &str) -> Bytes {
    json!({"model": "auto", "messages": [{"role": "user", "content": content}]}).to_string().into()
}

#[tokio::main]
async fn main() {
    let config = place::root().join("../shared/configs/aibrix.yaml");
    let config = if config.exists() { config } else { place::root().join("examples/envoy-aibrix/router.yaml") };
    let Some(stage) = Stage::start_with(&config, &DEADLINE.map(Into::into), &[]).await else { return };
    let gateway = stage.envoy.listener(mode::AIBRIX.name);
    let (mut keyword, mut semantic) = (Client::connect(gateway).await, Client::connect(gateway).await);
    let encoder = Encoder::embedded(&Options::default()).expect("the model inside the binary loads");
    let mut prompts = Prompts(0);
    const KEYWORD: &str = "Walk me through how to structure a business merger proposal.";
    let mut times = [const { Vec::new() }; 3];
    for round in 0..WARM_UP + ROUNDS {
        let by_keyword = keyword.ask(chat(KEYWORD)).await;
        let by_meaning = semantic.ask(chat(&prompts.next())).await;
        let prompt = prompts.next();
        let started = Instant::now();
        black_box(encoder.embed(&prompt).expect("a text"));
        if round >= WARM_UP {
            let took = [by_keyword, by_meaning, started.elapsed()];
            times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
        }
    }
    let [keyword, semantic, embedding] = times.map(median);
    println!("{}, through Envoy, {ROUNDS} requests of each kind, one at a time; p50 in microseconds", config.display());
    println!("a keyword decides, embedding remembered  {keyword:>8.1}");
    println!("no keyword, a new prompt of 16 tokens     {semantic:>8.1}");
    println!("one embedding, in process                {embedding:>8.1}");
    let ratio = (semantic - keyword) / embedding;
    println!("growth over the embedding time           {ratio:>8.2}  (bar: at most {BAR})");
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}
