//! How soon a change serves, and what changing costs the requests meanwhile: through a real Envoy, at a steady rate, with
//! fifteen keyword rules.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use trackside_tests::{
    load::{Answered, Outcome},
    site::{Gateway, Site, config},
    stamp::{self, Deed},
};

/// Requests a second, of which one in this many microseconds sees a change.
const RATE: f64 = 1000.0;
/// How often each kind of change is made.
const CHANGES: u64 = 20;
/// From one change to the next while traffic is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Turns of each kind of traffic, and how long each lasts.
const TURNS: usize = 4;
const TURN: Duration = Duration::from_secs(8);

const NEW_BAR: u128 = 250;
const KNOWN_BAR: u128 = 40;
const RULE_BAR: u128 = 40;
const NEW_COST_BAR: f64 = 3.0;
const KNOWN_COST_BAR: f64 = 1.5;

/// What the newest answer shows, and since when.
#[derive(Clone, Debug, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn hear(&self, answered: &Answered<'_>) -> Result<(), String> {
        let text = |name| answered.headers.get(name).and_then(|value| value.to_str().ok()).ok_or("a header is missing");
        let both = format!("{} {}", text("seen-stamp")?, text("seen-config")?);
        *self.0.lock().unwrap() = both;
        Ok(())
    }

    /// Waits until an answer shows this, and tells how long it took from then.
    async fn after(&self, then: Instant, what: &str) -> Duration {
        while !self.0.lock().unwrap().contains(what) {
            assert!(then.elapsed() < Duration::from_secs(60), "{what} does not show");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        then.elapsed()
    }
}

/// What there is to change, and how often it was.
struct Bench {
    site: Site,
    gateway: Gateway,
    shown: Shown,
    number: u64,
}

impl Bench {
    async fn component(&self, number: u64) -> Duration {
        let wasm = stamp::wasm(Deed::Stamps, number);
        self.site.write("aside", &wasm);
        let then = Instant::now();
        std::fs::rename(self.site.at("aside"), self.site.at("components/stamp.wasm")).expect("it can be renamed");
        self.shown.after(then, &stamp::version(Deed::Stamps, number)).await
    }

    /// A component that this machine has never seen.
    async fn new_component(&mut self) -> Duration {
        self.number += 1;
        self.component(self.number).await
    }

    /// One of two that were compiled before.
    async fn known_component(&mut self) -> Duration {
        self.number += 1;
        self.component(self.number % 2).await
    }

    /// One rule of the file.
    async fn rule(&mut self) -> Duration {
        self.number += 1;
        let marker = format!("c{}", self.number);
        self.site.write("aside", config(&marker).as_bytes());
        let then = Instant::now();
        std::fs::rename(self.site.at("aside"), self.site.at("router.yaml")).expect("it can be renamed");
        self.shown.after(then, &marker).await
    }

    async fn soon(&mut self) {
        let running = self.gateway.load(RATE).start({
            let shown = self.shown.clone();
            move |answered| shown.hear(answered)
        });
        for number in [0, 1, 0] {
            self.component(number).await;
        }
        let (mut new, mut known, mut rule) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..CHANGES {
            new.push(self.new_component().await);
            known.push(self.known_component().await);
            rule.push(self.rule().await);
        }
        let outcome = running.end().await;
        println!(
            "from the rename to the first answer by the new generation, {RATE} requests/s, {} failed",
            outcome.failed
        );
        tell("a component never seen", new, NEW_BAR);
        tell("a component in the cache", known, KNOWN_BAR);
        tell("one rule of fifteen", rule, RULE_BAR);
    }

    /// What becomes of traffic while components change in one way.
    async fn traffic(&mut self, change: Traffic) -> (Outcome, u32) {
        let running = self.gateway.load(RATE).start({
            let shown = self.shown.clone();
            move |answered| shown.hear(answered)
        });
        let (begun, mut changes) = (Instant::now(), 0);
        while begun.elapsed() < TURN {
            let next = Instant::now() + EVERY;
            match change {
                Traffic::Quiet => {}
                Traffic::Known => drop(self.known_component().await),
                Traffic::New => drop(self.new_component().await),
            }
            changes += 1;
            tokio::time::sleep_until(next.into()).await;
        }
        (running.end().await, changes)
    }
}

#[derive(Clone, Copy, Debug)]
enum Traffic {
    Quiet,
    Known,
    New,
}

#[tokio::main]
async fn main() {
    // As in production: decisions have no more time than users give them.
    let site = Site::start(&["--decision-deadline", "150ms"]).await;
    let Some(gateway) = site.gateway().await else { return };
    // The cache outlives the bench: a number that counts up from the clock was never seen.
    let number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1 << 32, |time| time.as_millis() as u64);
    let mut bench = Bench { site, gateway, shown: Shown::default(), number };
    bench.soon().await;

    let kinds = [Traffic::Quiet, Traffic::Known, Traffic::New];
    let mut outcomes = kinds.map(|_| (Outcome::default(), 0));
    for _ in 0..TURNS {
        for (kind, (sum, changes)) in kinds.into_iter().zip(&mut outcomes) {
            let (outcome, changed) = bench.traffic(kind).await;
            sum.times.extend(outcome.times);
            sum.times.sort_unstable();
            sum.failed += outcome.failed;
            *changes += changed;
        }
    }
    let names = ["nothing changes", "components from the cache", "components never seen"];
    println!("\n{:<28}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "requests", "changes", "p50 ms", "p99 ms", "failed");
    for (name, (outcome, changes)) in names.into_iter().zip(&outcomes) {
        let [p50, p99] = [50.0, 99.0].map(|percent| outcome.percentile(percent));
        let changes = if name == names[0] { 0 } else { *changes };
        println!("{name:<28}{:>10}{changes:>10}{p50:>10.2}{p99:>10.2}{:>10}", outcome.times.len(), outcome.failed);
    }
    let [quiet, known, new] = outcomes.map(|(outcome, _)| outcome.percentile(99.0));
    println!("  p99 {:.2} times with components from the cache (bar: at most {KNOWN_COST_BAR})", known / quiet);
    println!("  p99 {:.2} times with components never seen (bar: at most {NEW_COST_BAR})", new / quiet);
}

fn tell(what: &str, mut took: Vec<Duration>, bar: u128) {
    took.sort_unstable();
    let [median, worst] = [took.len() / 2, took.len() - 1].map(|at| took[at].as_secs_f64() * 1e3);
    println!("  {what:<28} median {median:>6.1} ms, longest {worst:>6.1} ms (bar: at most {bar} ms)");
}
