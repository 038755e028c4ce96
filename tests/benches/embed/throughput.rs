//! Many callers at once, through the queue: all of it on one core, then on two.

use crate::{
    cores, own,
    texts::Texts,
    verdict::{Bar, Verdicts},
};
use std::{
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime::Builder, task::JoinSet};
use trackside_inference::{Engine, Limits, Precision, Workers};

const CALLERS: [usize; 5] = [1, 2, 4, 16, 64];
const TIME: Duration = Duration::from_secs(2);

/// What the callers saw.
struct Load {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

pub fn measure(model: &Path, texts: &Texts, cores: &[usize], verdicts: &mut Verdicts) {
    let engine = Engine::choose(Precision::Auto, None).expect("an engine");
    let encoder = Arc::new(own::load(model, engine));
    println!("\ncallers of {}, nothing remembered: embeddings/s, p50 ms, p99 ms", own::name(engine));
    println!("{:>7}{:>9}{:>36}{:>36}", "tokens", "callers", "one core", "two cores");
    for tokens in [16, 64] {
        let texts: Vec<Arc<str>> = texts.of_length(tokens).into_iter().map(Into::into).collect();
        let mut last = None;
        for callers in CALLERS {
            let on = |count: usize| {
                let cores = cores.get(..count).unwrap_or(cores);
                thread::scope(|scope| {
                    let run = scope.spawn(|| {
                        cores::pin(cores);
                        let threads = NonZeroUsize::new(count).expect("a core");
                        let limits = Limits { threads, waiting: 1_024, memo_bytes: 0 };
                        let workers = Workers::start(encoder.clone(), limits).expect("threads");
                        load(&Arc::new(workers), &texts, callers)
                    });
                    run.join().expect("a measurement")
                })
            };
            let (one, two) = (on(1), on(2));
            println!("{tokens:>7}{callers:>9}{}{}", one.cells(), two.cells());
            if callers == 1 {
                verdicts.add(
                    format!("p50 of a lone caller, two cores / one, {tokens} tokens"),
                    Bar::AtMost(1.1),
                    two.p50_ms / one.p50_ms,
                );
            }
            last = Some(two.per_second / one.per_second);
        }
        let what = format!("64 callers, two cores / one, {tokens} tokens");
        last.iter().for_each(|gain| verdicts.add(what.as_str(), Bar::AtLeast(1.85), *gain));
    }
}

fn load(workers: &Arc<Workers>, texts: &[Arc<str>], callers: usize) -> Load {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let begun = Instant::now();
    let end = begun + TIME;
    let mut times: Vec<Duration> = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (workers, texts) = (Arc::clone(workers), texts.to_vec());
            tasks.spawn(async move {
                let mut times = Vec::new();
                for text in texts.iter().cycle().skip(caller) {
                    let begun = Instant::now();
                    if begun >= end {
                        break;
                    }
                    workers.embed(Arc::clone(text), begun + Duration::from_secs(60)).await.expect("a vector");
                    times.push(begun.elapsed());
                }
                times
            });
        }
        tasks.join_all().await.into_iter().flatten().collect()
    });
    let elapsed = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0);
    Load { per_second: times.len() as f64 / elapsed, p50_ms: at(50), p99_ms: at(99) }
}

impl Load {
    fn cells(&self) -> String {
        format!("{:>14.0}{:>11.2}{:>11.2}", self.per_second, self.p50_ms, self.p99_ms)
    }
}
