//! One text at a time on one core: the median of many passes, all peers in turns.

use crate::{
    cores, own, peak,
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

/// Floating-point operations of MiniLM's linear layers for a token, and of its attention for a pair of tokens.
const LINEAR_WORK: f64 = 21.23e6;
const ATTENTION_WORK: f64 = 9_216.0;

/// Medians in milliseconds, one for each length.
struct Row {
    name: String,
    medians: Vec<f64>,
}

struct Table(Vec<Row>);

pub fn measure(peers: &mut [Box<dyn Peer>], texts: &Texts, verdicts: &mut Verdicts) {
    let mut table = Table(peers.iter().map(|peer| Row { name: peer.name().to_owned(), medians: Vec::new() }).collect());
    let before = peak::measure();
    for length in LENGTHS {
        let sequences = texts.sequences(length);
        let turn = (1_024 / length).clamp(4, 16);
        let mut times = vec![Vec::new(); peers.len()];
        for round in 0..ROUNDS {
            let begin = round * (turn + WARM_UP);
            let chosen: Vec<&[u32]> =
                sequences.iter().cycle().skip(begin).take(turn + WARM_UP).map(Vec::as_slice).collect();
            for (peer, times) in peers.iter_mut().zip(&mut times) {
                times.extend(peer.run(&chosen).into_iter().skip(WARM_UP).map(|(time, _)| time));
            }
        }
        table.0.iter_mut().zip(&mut times).for_each(|(row, times)| row.medians.push(median_ms(times)));
    }
    // Clocks drop under load: the peak is the better of the two ends of the run.
    let peak = before.max(peak::measure());
    if let Some(row) = table.limit(peak) {
        table.0.push(row);
    }
    table.print();
    table.ratios();
    println!("{peak}");
    if let Some(share) = cores::share() {
        println!("this thread got the core for {:.1} % of the time that it wanted it", share * 100.0);
    }
    table.judge(verdicts);
}

fn median_ms(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}

impl Table {
    fn limit(&self, peak: peak::Peak) -> Option<Row> {
        let (int8, bf16) = (peak.int8?, peak.bf16.or(peak.int8)?);
        let limit = |n: f64| (LINEAR_WORK * n / int8 + ATTENTION_WORK * n * n / bf16) * 1_000.0;
        Some(Row { name: "limit of int8".into(), medians: LENGTHS.iter().map(|n| limit(*n as f64)).collect() })
    }

    fn row(&self, name: &str) -> Option<&[f64]> {
        self.0.iter().find(|row| row.name == name).map(|row| row.medians.as_slice())
    }

    fn ratio(&self, own: Option<&String>, peer: &str) -> Option<Vec<f64>> {
        let (own, peer) = (self.row(own?)?, self.row(peer)?);
        Some(own.iter().zip(peer).map(|(own, peer)| own / peer).collect())
    }

    fn print(&self) {
        println!("\np50 in ms, one core, one text at a time, by tokens");
        line("", LENGTHS.iter().map(|length| format!("{length}")));
        self.0.iter().for_each(|row| line(&row.name, row.medians.iter().map(|ms| format!("{ms:.3}"))));
    }

    fn ratios(&self) {
        println!("\nratios");
        for (own, peer) in self.0.iter().flat_map(|own| PEERS.map(|peer| (own, peer))) {
            let ratio = self.ratio(Some(&own.name), peer).filter(|_| own.name.starts_with("own"));
            ratio.iter().for_each(|ratio| {
                line(&format!("{} / {peer}", own.name), ratio.iter().map(|ratio| format!("{ratio:.2}")));
            });
        }
    }

    fn judge(&self, verdicts: &mut Verdicts) {
        let (int8, fp32) = (own::best(Precision::Int8), own::best(Precision::Fp32));
        let bars = [
            (&int8, "ort int8", 8..=64, 0.50),
            (&int8, "ort int8", 128..=512, 0.58),
            (&int8, "ort fp32", 8..=64, 0.22),
            (&int8, "ort fp32", 128..=512, 0.30),
            (&fp32, "ort fp32", 8..=64, 0.70),
            (&fp32, "ort fp32", 128..=512, 0.90),
            (&int8, "limit of int8", 16..=128, 1.5),
            (&int8, "openvino int8", 8..=512, 0.75),
        ];
        for (own, peer, lengths, bar) in bars {
            let Some(ratios) = self.ratio(own.as_ref(), peer) else { continue };
            let within = LENGTHS.into_iter().zip(ratios).filter(|(length, _)| lengths.contains(length));
            let worst = within.map(|(_, ratio)| ratio).fold(f64::NAN, f64::max);
            let what =
                format!("{} / {peer}, {} to {} tokens", own.as_deref().unwrap_or(""), lengths.start(), lengths.end());
            verdicts.add(what, Bar::AtMost(bar), worst);
        }
    }
}

const PEERS: [&str; 4] = ["ort int8", "ort fp32", "openvino int8", "limit of int8"];

fn line(name: &str, cells: impl Iterator<Item = String>) {
    println!("{name:<42}{}", cells.map(|cell| format!("{cell:>9}")).collect::<String>());
}
