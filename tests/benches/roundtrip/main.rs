//! What Trackside costs in front of a model: the same gateway and the same requests, once with a bare processor that
//! answers each message with a fixed rewrite, once with Trackside and fifteen keyword rules. Both run as processes of
//! their own and take turns, so what a ratio tells holds for the machine as it was in that minute.

mod awake;
mod bare;
mod client;

use awake::Awake;
use bytes::Bytes;
use client::Client;
use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use trackside_tests::{Backends, Envoy, Mode, Trackside, mirror::Mirror, place, process::Process, scrape};

/// Request headers and body, and the headers of the answer: what a listener shows that cannot be told to show less.
const LOCK_STEP: &str = "buffered";
/// All four phases, which Trackside may not switch off, and may.
const ALL_PHASES: &str = "buffered_both";
const OVERRIDABLE: &str = "aibrix";

/// Bytes of a request, and how many requests are made of each side.
const LOADS: [(usize, usize); 3] = [(300, 12800), (8 << 10, 6400), (64 << 10, 3200)];
/// Turns of each side, and of a lone client, whose requests are timed: the machine is never the same for long.
const ROUNDS: usize = 8;
const LONE_ROUNDS: usize = 64;
const CONCURRENT: usize = 32;
const CPU_BAR: f64 = 2.0;
const P50_BAR: f64 = 60.0;
const LARGE_BAR: f64 = 1.5;
const PHASES_BAR: f64 = 1.2;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match std::env::args().nth(1).as_deref() {
        Some("--bare") => runtime.block_on(bare::serve()),
        _ => runtime.block_on(measure()),
    }
}

/// A processor behind a gateway of its own.
struct Side {
    name: &'static str,
    envoy: Envoy,
    cpu: Box<dyn Fn() -> Duration>,
}

/// What a side made of one kind of load.
#[derive(Clone, Debug, Default)]
struct Figures {
    times: Vec<Duration>,
    busy: Duration,
    wall: Duration,
}

impl Figures {
    fn at(&mut self, percent: usize) -> f64 {
        self.times.sort_unstable();
        micros(self.times[self.times.len() * percent / 100])
    }

    fn add(&mut self, other: Figures) {
        self.times.extend(other.times);
        self.busy += other.busy;
        self.wall += other.wall;
    }

    /// CPU of the processor, microseconds a request.
    fn cpu(&self) -> f64 {
        micros(self.busy) / self.times.len() as f64
    }

    fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.wall.as_secs_f64()
    }
}

impl Side {
    async fn new(
        name: &'static str,
        extproc: SocketAddr,
        upstream: SocketAddr,
        cpu: Box<dyn Fn() -> Duration>,
    ) -> Option<Side> {
        let backends = Backends { extproc, plugin: extproc, default: upstream, by_model: Vec::new() };
        let modes = [LOCK_STEP, ALL_PHASES, OVERRIDABLE].map(Mode::named);
        Some(Side { name, envoy: Envoy::start(&backends, &modes).await?, cpu })
    }

    /// One turn: requests of this many bytes, this many connections at once.
    async fn turn(&self, listener: &str, bytes: usize, clients: usize, requests: usize, into: &mut Figures) {
        let body = chat(bytes);
        let mut connected = Vec::new();
        for _ in 0..clients {
            let client = Client::connect(self.envoy.listener(listener)).await;
            connected.push(ask_often(client, body.clone(), 3).await.0);
        }
        let (before, started) = ((self.cpu)(), Instant::now());
        let mut turns = JoinSet::new();
        for client in connected {
            turns.spawn(ask_often(client, body.clone(), requests / clients));
        }
        for (_, times) in turns.join_all().await {
            into.times.extend(times);
        }
        into.wall += started.elapsed();
        into.busy += (self.cpu)() - before;
    }
}

/// This many requests, one after the other.
async fn ask_often(mut client: Client, body: Bytes, requests: usize) -> (Client, Vec<Duration>) {
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        times.push(client.ask(body.clone()).await);
    }
    (client, times)
}

/// A chat completion of about this many bytes, of which the last message is always the same: the rest is history.
fn chat(bytes: usize) -> Bytes {
    const ASK: &str =
        "{\"role\":\"user\",\"content\":\"Walk me through how to structure a business merger proposal.\"}]}";
    const TURN: &str = "{\"role\":\"assistant\",\"content\":\"A merger of equals is rarer than the papers say, and an offer has to \
        name its price, its terms and its date before anybody reads on.\"},";
    let mut body = String::from_utf8_lossy(bare::ASKED).into_owned() + ",\"messages\":[";
    while body.len() + TURN.len() + ASK.len() <= bytes {
        body += TURN;
    }
    (body + ASK).into()
}

async fn measure() {
    let config: PathBuf = place::root().join("tests/benches/roundtrip/keywords.yaml");
    // The product's default: tests give decisions more time, and with it comes a message more for each request.
    let deadline = ["--decision-deadline", "150ms"];
    let trackside = Trackside::start_beside(&config, &deadline.map(Into::into), "127.0.0.1:0").await;
    let silent = [deadline, ["--response-headers", "none"]].concat().into_iter().map(Into::into).collect::<Vec<_>>();
    let silent = Trackside::start_beside(&config, &silent, "127.0.0.1:0").await;
    let this = std::env::current_exe().expect("a running program has a path");
    let bare = Process::start("bare", this.as_os_str(), &["--bare"], &[]);
    let bare_address = bare.wait_for("its address", |line| line.parse().ok()).await;
    let model = Mirror::start().await;
    let (addresses, metrics, upstream) = ([trackside.extproc, silent.extproc], trackside.metrics, model.address);
    let sides = [
        Side::new("bare", bare_address, upstream, Box::new(move || bare.cpu())).await,
        Side::new("trackside", addresses[0], upstream, Box::new(move || trackside.cpu())).await,
        Side::new("silent", addresses[1], upstream, Box::new(move || silent.cpu())).await,
    ];
    let [Some(bare), Some(trackside), Some(silent)] = sides else { return };
    println!("{:<28}{:>10}{:>10}{:>10}{:>12}{:>8}", "", "p50 us", "p99 us", "CPU us", "requests/s", "");
    for (bytes, requests) in LOADS {
        for clients in [1, CONCURRENT] {
            compare(&bare, &trackside, bytes, clients, requests).await;
        }
    }
    match Awake::keep() {
        Some(_awake) => {
            println!("the same with cores that stay awake between messages");
            for (bytes, requests) in LOADS {
                compare(&bare, &trackside, bytes, 1, requests).await;
            }
        }
        None => println!("the cores of this machine cannot be kept awake"),
    }
    large(&bare, &trackside).await;
    phases(&trackside, &silent).await;
    println!();
    components(&scrape::get(metrics, "/metrics").expect("the metrics page answers").1);
}

async fn compare(bare: &Side, trackside: &Side, bytes: usize, clients: usize, requests: usize) {
    let rounds = if clients == 1 { LONE_ROUNDS } else { ROUNDS };
    let (mut figures, mut above) = ([Figures::default(), Figures::default()], Vec::new());
    for _ in 0..rounds {
        let mut round = [Figures::default(), Figures::default()];
        for (side, figures) in [bare, trackside].into_iter().zip(&mut round) {
            side.turn(LOCK_STEP, bytes, clients, requests / rounds, figures).await;
        }
        above.push(round[1].at(50) - round[0].at(50));
        figures.iter_mut().zip(round).for_each(|(figures, round)| figures.add(round));
    }
    for (side, figures) in [bare, trackside].into_iter().zip(&mut figures) {
        let [p50, p99] = [50, 99].map(|percent| figures.at(percent));
        let what = format!("{bytes} B, {clients} at once, {}", side.name);
        println!("{what:<28}{p50:>10.0}{p99:>10.0}{:>10.1}{:>12.0}", figures.cpu(), figures.per_second());
    }
    let [bare, trackside] = &mut figures;
    println!("  CPU {:.2} times (bar: at most {CPU_BAR})", trackside.cpu() / bare.cpu());
    if clients == 1 {
        above.sort_unstable_by(f64::total_cmp);
        println!("  p50 {:.0} us above, as the median of the rounds (bar: at most {P50_BAR})", above[rounds / 2]);
    }
}

/// A body of 4 MB, one at a time.
async fn large(bare: &Side, trackside: &Side) {
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..ROUNDS {
        for (side, figures) in [bare, trackside].into_iter().zip(&mut figures) {
            side.turn(LOCK_STEP, 4 << 20, 1, 8, figures).await;
        }
    }
    let [bare, trackside] = figures.each_mut().map(|figures| figures.at(50));
    println!(
        "4 MiB, alone: p50 {bare:.0} and {trackside:.0} us, {:.2} times (bar: at most {LARGE_BAR})",
        trackside / bare
    );
}

/// What it brings to be shown nothing of the answers.
async fn phases(trackside: &Side, silent: &Side) {
    for (clients, requests) in [(1, 800), (CONCURRENT, 3200)] {
        let mut figures = [Figures::default(), Figures::default()];
        for _ in 0..ROUNDS {
            let sides = [(trackside, ALL_PHASES), (silent, OVERRIDABLE)];
            for ((side, listener), figures) in sides.into_iter().zip(&mut figures) {
                side.turn(listener, 300, clients, requests, figures).await;
            }
        }
        let [all, fewer] = figures.each_mut().map(|figures| figures.per_second());
        println!("{clients} at once: requests/s with all phases {all:.0}, without those of answers {fewer:.0}");
        println!("  {:.2} times (bar: at least {PHASES_BAR})", fewer / all);
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Mean time in each component, from the router's own histograms.
fn components(page: &str) {
    const SECONDS: &str = "trackside_component_call_seconds";
    println!("{:<28}{:>10}{:>10}", "component", "calls", "mean us");
    let count = format!("{SECONDS}_count");
    for line in page.lines().filter(|line| line.starts_with(&count)) {
        let Some(component) = line.split("component=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        let label = format!("component=\"{component}\"");
        let calls = scrape::metric(page, &count, &[&label]);
        let mean = scrape::metric(page, &format!("{SECONDS}_sum"), &[&label]) / calls * 1e6;
        println!("{component:<28}{calls:>10}{mean:>10.1}");
    }
}
