//! What a semantic decision adds to a request through a real Envoy: prompts that are new each time and hold no keyword,
//! beside one that a keyword decides and whose embedding is remembered, in turns. The time of one embedding is taken in
//! the same turns, by the same encoder inside this process.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::{
    hint::black_box,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};
use trackside_inference::{Embedder, Encoder, Options};
use trackside_tests::{Stage, mode, place};

const WARM_UP: usize = 300;
const ROUNDS: usize = 40;
const REQUESTS: usize = 50;
const BAR: f64 = 1.15;

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

struct Client {
    _connection: JoinSet<hyper::Result<()>>,
    sender: SendRequest<Full<Bytes>>,
    times: Vec<Duration>,
}

impl Client {
    async fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("a socket takes options");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1 needs no handshake");
        let mut task = JoinSet::new();
        task.spawn(connection);
        Client { _connection: task, sender, times: Vec::new() }
    }

    async fn ask(&mut self, content: &str) {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": content}]}).to_string();
        let request = Request::post("/v1/chat/completions")
            .header(header::HOST, "bench")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .expect("a request");
        self.sender.ready().await.expect("the gateway keeps the connection");
        let started = Instant::now();
        let reply = self.sender.send_request(request).await.expect("the gateway answers");
        let status = reply.status();
        reply.into_body().collect().await.expect("the answer is whole");
        self.times.push(started.elapsed());
        assert_eq!(status, 200);
    }
}

#[tokio::main]
async fn main() {
    let config = place::root().join("../shared/configs/aibrix.yaml");
    let config = if config.exists() { config } else { place::root().join("examples/envoy-aibrix/router.yaml") };
    let Some(stage) = Stage::start(&config, &[]).await else { return };
    let gateway = stage.envoy.listener(mode::AIBRIX.name);
    let (mut keyword, mut semantic) = (Client::connect(gateway).await, Client::connect(gateway).await);
    let encoder = Encoder::embedded(&Options::default()).expect("the model inside the binary loads");
    let (mut prompts, mut embeddings) = (Prompts(0), Vec::new());
    const KEYWORD: &str = "Walk me through how to structure a business merger proposal.";
    for _ in 0..WARM_UP {
        keyword.ask(KEYWORD).await;
        semantic.ask(&prompts.next()).await;
    }
    keyword.times.clear();
    semantic.times.clear();
    for _ in 0..ROUNDS {
        for _ in 0..REQUESTS {
            keyword.ask(KEYWORD).await;
        }
        for _ in 0..REQUESTS {
            semantic.ask(&prompts.next()).await;
        }
        for _ in 0..REQUESTS {
            let prompt = prompts.next();
            let started = Instant::now();
            black_box(encoder.embed(&prompt).expect("a text"));
            embeddings.push(started.elapsed());
        }
    }
    let [keyword, semantic, embedding] = [keyword.times, semantic.times, embeddings].map(median);
    println!(
        "{}, through Envoy, {} requests of each kind, one at a time; p50 in microseconds",
        config.display(),
        ROUNDS * REQUESTS
    );
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
