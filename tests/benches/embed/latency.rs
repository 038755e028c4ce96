//! One text at a time on one core: many passes of each peer, in turns.

use crate::{
    ORT_FP32, ORT_INT8, cores,
    openvino::NAME as OPENVINO,
    own,
    peak::{self, Peak},
    peer::Peer,
    texts::Texts,
    verdict::{Bar, Verdicts},
};
use std::time::Duration;
use trackside_inference::Precision;

const LENGTHS: [usize; 7] = [8, 16, 32, 64, 128, 256, 512];
const ROUNDS: usize = 12;

/// Passes at the beginning of a turn that are not counted: the others have emptied the caches.
const WARM_UP: usize = 2;

const LIMIT: &str = "limit of int8";

/// Floating-point operations of MiniLM's linear layers for a token, and of its attention for a pair of tokens.
const LINEAR_WORK: f64 = 21.23e6;
const ATTENTION_WORK: f64 = 9_216.0;

/// Milliseconds, one number for each length.
struct Row {
    name: String,
    ms: Vec<f64>,
}

struct Table(Vec<Row>);

pub fn measure(peers: &mut [Box<dyn Peer>], texts: &Texts, verdicts: &mut Verdicts) {
    let before = peak::measure();
    let times: Vec<Vec<Vec<Duration>>> = LENGTHS.iter().map(|length| turns(peers, &texts.sequences(*length))).collect();
    let names: Vec<String> = peers.iter().map(|peer| peer.name().to_owned()).collect();
    // Clocks drop under load: the peak is the better of the two ends of the run.
    let peak = before.max(peak::measure());
    let table = |percent: usize| {
        let at = |times: &[Duration]| times.get(times.len() * percent / 100).map_or(f64::NAN, Duration::as_secs_f64);
        let row = |(index, name): (usize, &String)| Row {
            name: name.clone(),
            ms: times.iter().map(|length| at(&length[index]) * 1_000.0).collect(),
        };
        Table(names.iter().enumerate().map(row).chain(limit(peak)).collect())
    };
    let medians = table(50);
    medians.print("p50 in ms, one core, one text at a time, by tokens");
    table(10).print("p10, which other work on the machine disturbs less");
    println!("{peak}");
    if let Some(share) = cores::share() {
        println!("this thread got the core for {:.1} % of the time that it wanted it", share * 100.0);
    }
    medians.judge(verdicts);
}

/// The times of every peer, sorted.
fn turns(peers: &mut [Box<dyn Peer>], sequences: &[Vec<u32>]) -> Vec<Vec<Duration>> {
    let turn = sequences.first().map_or(0, |ids| (1_024 / ids.len()).clamp(4, 16));
    let mut times = vec![Vec::new(); peers.len()];
    for round in 0..ROUNDS {
        let begin = round * (turn + WARM_UP);
        let chosen: Vec<&[u32]> =
            sequences.iter().cycle().skip(begin).take(turn + WARM_UP).map(Vec::as_slice).collect();
        for (peer, times) in peers.iter_mut().zip(&mut times) {
            times.extend(peer.run(&chosen).into_iter().skip(WARM_UP).map(|(time, _)| time));
        }
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    times
}

/// What the arithmetic alone takes at the peak, with the attention in bf16.
fn limit(peak: Peak) -> Option<Row> {
    let (int8, bf16) = (peak.int8?, peak.bf16.or(peak.int8)?);
    let ms = |n: f64| (LINEAR_WORK * n / int8 + ATTENTION_WORK * n * n / bf16) * 1_000.0;
    Some(Row { name: LIMIT.into(), ms: LENGTHS.iter().map(|n| ms(*n as f64)).collect() })
}

impl Table {
    fn row(&self, name: &str) -> Option<&[f64]> {
        self.0.iter().find(|row| row.name == name).map(|row| row.ms.as_slice())
    }

    fn ratio(&self, own: &str, peer: &str) -> Option<Vec<f64>> {
        let (own, peer) = (self.row(own)?, self.row(peer)?);
        Some(own.iter().zip(peer).map(|(own, peer)| own / peer).collect())
    }

    fn print(&self, title: &str) {
        println!("\n{title}");
        line("", LENGTHS.iter().map(|length| format!("{length}")));
        self.0.iter().for_each(|row| line(&row.name, row.ms.iter().map(|ms| format!("{ms:.3}"))));
        for own in self.0.iter().map(|row| row.name.as_str()).filter(|name| name.starts_with("own")) {
            let peers: &[&str] =
                if own.contains("int8") { &[ORT_INT8, ORT_FP32, OPENVINO, LIMIT] } else { &[ORT_FP32] };
            for (peer, ratio) in peers.iter().filter_map(|peer| Some((peer, self.ratio(own, peer)?))) {
                line(&format!("{own} / {peer}"), ratio.iter().map(|ratio| format!("{ratio:.2}")));
            }
        }
    }

    fn judge(&self, verdicts: &mut Verdicts) {
        let bars = [
            (Precision::Int8, ORT_INT8, 8..=64, 0.50),
            (Precision::Int8, ORT_INT8, 128..=512, 0.58),
            (Precision::Int8, ORT_FP32, 8..=64, 0.22),
            (Precision::Int8, ORT_FP32, 128..=512, 0.30),
            (Precision::Fp32, ORT_FP32, 8..=64, 0.70),
            (Precision::Fp32, ORT_FP32, 128..=512, 0.90),
            (Precision::Int8, LIMIT, 16..=128, 1.5),
            (Precision::Int8, OPENVINO, 8..=512, 0.75),
        ];
        for (precision, peer, lengths, bar) in bars {
            let Some(own) = own::best(precision) else { continue };
            let Some(ratios) = self.ratio(&own, peer) else { continue };
            let within = LENGTHS.into_iter().zip(ratios).filter(|(length, _)| lengths.contains(length));
            let worst = within.map(|(_, ratio)| ratio).fold(f64::NAN, f64::max);
            verdicts.add(
                format!("{own} / {peer}, {} to {} tokens", lengths.start(), lengths.end()),
                Bar::AtMost(bar),
                worst,
            );
        }
    }
}

fn line(name: &str, cells: impl Iterator<Item = String>) {
    println!("{name:<42}{}", cells.map(|cell| format!("{cell:>9}")).collect::<String>());
}
