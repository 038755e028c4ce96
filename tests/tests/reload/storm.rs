//! Everything changes at random while requests come at a steady rate.
//!
//! `TRACKSIDE_RELOAD_RATE`, `_SECONDS`, `_EVERY_MS` and `_SEED` make it another storm: `tests/soak.sh` runs the full one, with
//! an executable that was built for speed.

use crate::witness::Witness;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    pin::pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::time::timeout;
use trackside_tests::{
    load::Outcome,
    site::{self, Site, config},
    stamp::{self, Deed},
};

/// Requests a second. A router that was not built for speed shares two cores with a gateway, a model server and a client.
const RATE: f64 = 300.0;
const SECONDS: f64 = 60.0;
/// From one change to the next, if the one before has shown by then.
const EVERY_MS: f64 = 250.0;
/// From when on memory counts, and by how much it may grow from there in ten minutes; a shorter storm may still be warming up.
const WARM: f64 = 60.0;
const GROWTH: f64 = 1.1;
const GROWTH_WHILE_WARMING: f64 = 1.35;
/// How often memory is looked at while a change takes its time, as it does on a busy machine.
const SAMPLE: Duration = Duration::from_secs(1);

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    NewComponent,
    KnownComponent,
    Config,
    Model,
    BrokenComponent,
    BrokenConfig,
    TrapsInConfigure,
    TrapsInEvaluate,
}

const CHANGES: [Change; 8] = [
    Change::NewComponent,
    Change::KnownComponent,
    Change::Config,
    Change::Model,
    Change::BrokenComponent,
    Change::BrokenConfig,
    Change::TrapsInConfigure,
    Change::TrapsInEvaluate,
];

fn setting(name: &str, otherwise: f64) -> f64 {
    let name = format!("TRACKSIDE_RELOAD_{name}");
    let Some(text) = std::env::var_os(&name) else { return otherwise };
    text.to_string_lossy().parse().unwrap_or_else(|_| panic!("{name} is no number: {}", text.display()))
}

/// Numbers that look random, the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// The files as they should be, and as they are.
struct Storm<'a> {
    site: &'a Site,
    witness: Witness,
    dice: Dice,
    models: [PathBuf; 2],
    number: u64,
    stamp: u64,
    config: u64,
    model: usize,
    /// A file that a bad change has left behind.
    bad: Option<&'static str>,
    took: BTreeMap<Change, Vec<Duration>>,
}

impl Storm<'_> {
    /// Changes something, and waits until it shows.
    async fn change(&mut self) {
        let change = CHANGES[self.dice.roll(CHANGES.len())];
        self.number += 1;
        let begun = Instant::now();
        self.repair();
        match change {
            Change::NewComponent => self.component(self.number).await,
            Change::KnownComponent => self.component(if self.stamp == 1 { 2 } else { 1 }).await,
            Change::Config => self.configuration().await,
            Change::Model => self.another_model().await,
            Change::BrokenComponent => {
                let half = stamp::wasm(Deed::Stamps, self.number);
                self.refused("components/stamp.wasm", &half[..half.len() / 2], "E0412").await;
            }
            Change::BrokenConfig => {
                self.refused(
                    "router.yaml",
                    config("c0").replace("[{name: x-config", "[{name: x-config]").as_bytes(),
                    ":",
                )
                .await;
            }
            Change::TrapsInConfigure => self.refused_component(Deed::TrapsInConfigure, "E0402").await,
            Change::TrapsInEvaluate => self.refused_component(Deed::TrapsInEvaluate, "E0431").await,
        }
        self.took.entry(change).or_default().push(begun.elapsed());
    }

    /// Puts a good file back in the place of a bad one. That alone makes no generation: it is the one that serves.
    fn repair(&mut self) {
        match self.bad.take() {
            Some("router.yaml") => {
                self.site.rename_into("router.yaml", config(&format!("c{}", self.config)).as_bytes())
            }
            Some(name) => self.site.rename_into(name, &stamp::wasm(Deed::Stamps, self.stamp)),
            None => {}
        }
    }

    async fn component(&mut self, number: u64) {
        self.stamp = number;
        let stamp = stamp::version(Deed::Stamps, number);
        self.site.rename_into("components/stamp.wasm", &stamp::wasm(Deed::Stamps, number));
        self.witness.until("a new component", |does| does.stamp == stamp).await;
    }

    async fn configuration(&mut self) {
        self.config = self.number;
        let marker = format!("c{}", self.number);
        // People use editors of both kinds.
        if self.dice.roll(2) == 0 {
            self.site.write("router.yaml", config(&marker).as_bytes());
        } else {
            self.site.rename_into("router.yaml", config(&marker).as_bytes());
        }
        self.witness.until("a new configuration", |does| does.config == marker).await;
    }

    async fn another_model(&mut self) {
        let generation = self.witness.generation();
        self.model = 1 - self.model;
        self.site.turn("model", &self.models[self.model]);
        self.witness.until_after(generation).await;
    }

    async fn refused_component(&mut self, deed: Deed, says: &str) {
        self.refused("components/stamp.wasm", &stamp::wasm(deed, self.number), says).await;
    }

    /// Makes a change that must be refused, with a report in which an error says this.
    async fn refused(&mut self, name: &'static str, content: &[u8], says: &str) {
        let before = self.refusals().first().map(|refusal| refusal["time"].to_string());
        self.site.rename_into(name, content);
        self.bad = Some(name);
        let reported = || {
            let new = self.refusals().into_iter().take_while(|refusal| Some(refusal["time"].to_string()) != before);
            new.flat_map(errors).any(|error| error.contains(says)).then_some(())
        };
        self.site.router.poll("the report of what is bad", reported).await;
    }

    fn refusals(&self) -> Vec<Value> {
        self.site.history().into_iter().filter(|entry| entry["verdict"] == "refused").collect()
    }
}

fn errors(refusal: Value) -> Vec<String> {
    let problems = refusal["problems"].as_array().cloned().unwrap_or_default();
    problems.iter().filter(|problem| problem["severity"] == "error").map(Value::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_and_nothing_is_mixed_while_everything_changes() {
    let Some((model, other)) = site::other_model() else { return };
    let site = Site::start_with_model(&model, &["--decision-deadline", "5s"]).await;
    let Some(gateway) = site.gateway().await else { return };
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| f64::from(time.subsec_nanos()));
    let seed = setting("SEED", clock) as u64;
    let (rate, seconds, every) = (setting("RATE", RATE), setting("SECONDS", SECONDS), setting("EVERY_MS", EVERY_MS));
    println!("seed {seed}: {rate} requests/s for {seconds} s, a change every {every} ms");

    let witness = Witness::default();
    let running = gateway.load(rate).start({
        let witness = witness.clone();
        move |answered| witness.hear(answered)
    });
    witness.until("the first generation", |_| true).await;
    let (models, dice) = ([model, other.path().to_owned()], Dice(seed));
    let (number, took) = (10, BTreeMap::new());
    let mut storm =
        Storm { site: &site, witness, dice, models, number, stamp: 0, config: 0, model: 0, bad: None, took };
    let mut memory = Vec::new();
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < seconds {
        let next = Instant::now() + Duration::from_secs_f64(every / 1e3);
        let mut change = pin!(storm.change());
        loop {
            memory.push((begun.elapsed().as_secs_f64(), site.router.resident()));
            if timeout(SAMPLE, &mut change).await.is_ok() {
                break;
            }
        }
        assert_eq!(running.failed(), 0, "seed {seed}: {:?}", running.reasons());
        tokio::time::sleep_until(next.into()).await;
    }
    let outcome = running.end().await;
    tell(&storm, &outcome);
    assert_eq!((outcome.failed, &outcome.reasons), (0, &Vec::new()), "seed {seed}");
    assert_eq!(storm.witness.mixed(), [""; 0], "seed {seed}");
    assert_eq!(gateway.mistakes(), [], "seed {seed}");
    let late = outcome.times.len() as f64 / (rate * outcome.lasted.as_secs_f64());
    assert!(late > 0.99, "seed {seed}: only {late:.3} of the requests that were due have been answered");
    bounded(&memory, seconds, seed);
}

fn tell(storm: &Storm<'_>, outcome: &Outcome) {
    let [p50, p99, worst] = [50.0, 99.0, 100.0].map(|percent| outcome.percentile(percent));
    println!(
        "{} requests ({:.0}/s) by {} generations: {} failed, {} mixed; p50 {p50:.1} ms, p99 {p99:.1} ms, longest {worst:.0} ms",
        outcome.times.len(),
        outcome.rate(),
        storm.witness.requests().len(),
        outcome.failed,
        storm.witness.mixed().len(),
    );
    for (change, took) in &storm.took {
        let mut took = took.clone();
        took.sort_unstable();
        let [median, longest] = [took.len() / 2, took.len() - 1].map(|at| took[at].as_millis());
        println!(
            "{:<18} {:>4} times, shows after {median} ms, at most {longest} ms",
            format!("{change:?}"),
            took.len()
        );
    }
}

/// Memory may not grow with the number of changes. What it is at one instant depends on what happens in it, so medians of a
/// stretch are compared.
fn bounded(memory: &[(f64, u64)], seconds: f64, seed: u64) {
    let stretch = (seconds / 6.0).min(30.0);
    let begin = WARM.min(seconds / 2.0);
    let median = |from: f64| {
        let mut bytes: Vec<u64> =
            memory.iter().filter(|(at, _)| (from..from + stretch).contains(at)).map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        bytes[bytes.len() / 2] as f64
    };
    let [first, last] = [begin, seconds - stretch].map(median);
    println!("resident: {:.0} MiB after {begin:.0} s, {:.0} MiB at the end", first / 1048576.0, last / 1048576.0);
    let most = if seconds > 5.0 * WARM { GROWTH } else { GROWTH_WHILE_WARMING };
    assert!(last <= first * most, "seed {seed}: memory grows from {first} to {last} bytes");
}
