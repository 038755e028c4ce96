//! What the router needs: time from start to readiness, memory after ten thousand different prompts, size on disk.

use bytes::Bytes;
use serde_json::json;
use std::time::{Duration, Instant};
use trackside_tests::{Trackside, direct::Gateway, place};

const STARTS: usize = 10;
const REQUESTS: usize = 10_000;
const CONCURRENT: usize = 8;

#[tokio::main]
async fn main() {
    let config = place::root().join("examples/envoy-aibrix/router.yaml");
    // Compiles the components, which later starts find in the cache.
    drop(Trackside::start(&config).await);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let trackside = Trackside::start(&config).await;
        starts.push(started.elapsed());
        drop(trackside);
    }
    starts.sort_unstable();
    println!("start to ready, p50 of {STARTS}: {:.0} ms (bar: at most 500)", millis(starts[STARTS / 2]));

    let trackside = Trackside::start(&config).await;
    println!("resident before the first request: {:.0} MB", megabytes(trackside.resident()));
    let gateway = Gateway::connect(trackside.extproc).await.expect("it listens");
    let clients = (0..CONCURRENT).map(|client| {
        let mut gateway = gateway.clone();
        async move {
            for n in (client..REQUESTS).step_by(CONCURRENT) {
                gateway.ask(prompt(n)).await.expect("it answers");
            }
        }
    });
    futures_util::future::join_all(clients).await;
    let resident = megabytes(trackside.resident());
    println!("resident after {REQUESTS} requests: {resident:.0} MB (bar: at most 150)");
    let size = place::trackside().metadata().expect("the executable is a file").len();
    println!("executable: {:.1} MB", megabytes(size));
}

fn prompt(n: usize) -> Bytes {
    let content = format!("Question {n}: how would you solve problem number {} of chapter {}?", n * 7, n % 31);
    json!({"model": "auto", "messages": [{"role": "user", "content": content}]}).to_string().into()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
