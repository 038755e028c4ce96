//! How well the heads that the domain signal fits to ten examples of each class tell intents apart: what the choice of the
//! method rests on. Classes and answers are those of the component.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

// A guest is no library, and what is measured has to be what it does: both compile the same source.
#[path = "../../../plugins/signal-domain/src/examples.rs"]
mod examples;
#[allow(dead_code, reason = "the rest is for the fitted classifier")]
#[path = "../../../plugins/signal-domain/src/labels.rs"]
mod labels;
#[allow(dead_code, reason = "the rest is for the fitted classifier")]
#[path = "../../../plugins/signal-domain/src/model/mod.rs"]
mod model;
#[allow(dead_code, unreachable_pub, reason = "the component offers them to the SDK")]
#[path = "../../../plugins/signal-domain/src/settings.rs"]
mod settings;
#[allow(unreachable_pub, reason = "the SDK offers it to authors")]
#[path = "../../../plugins/sdk/src/topic/mod.rs"]
mod topic;

use labels::Labels;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::{fs, path::Path, thread};
use trackside_inference::{
    Embedder, Encoder, Options,
    vectors::{Head, Method},
};

/// Texts with their labels.
type Labelled = Vec<(String, String)>;

/// Draws of ten examples: what one draw shows differs by two points from another.
const DRAWS: u64 = 10;

/// The lines of a file of labelled texts; nothing where the data is not beside the repository.
fn read(name: &str) -> Option<Labelled> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let Ok(lines) = fs::read_to_string(&path) else {
        println!("skipped: {name} is not here");
        return None;
    };
    let line = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["text"].as_str().unwrap().to_owned(), row["label"].as_str().unwrap().to_owned())
    };
    Some(lines.lines().map(line).filter(|(_, label)| label != "oos").collect())
}

/// The vectors of all texts that were needed so far.
struct Vectors {
    encoder: Encoder,
    of: HashMap<String, Vec<f32>>,
}

impl Vectors {
    fn add<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let new: HashSet<&str> = texts.filter(|text| !self.of.contains_key(*text)).collect();
        let new: Vec<&str> = new.into_iter().collect();
        let encoder = &self.encoder;
        let embed = |texts: &[&str]| -> Vec<(String, Vec<f32>)> {
            let vector = |text: &str| encoder.embed(text).unwrap().as_slice().to_vec();
            texts.iter().map(|text| ((*text).to_owned(), vector(text))).collect()
        };
        let (first, second) = new.split_at(new.len() / 2);
        let (first, second) = thread::scope(|scope| {
            let second = scope.spawn(|| embed(second));
            (embed(first), second.join().unwrap())
        });
        self.of.extend(first.into_iter().chain(second));
    }
}

/// Ten places for each label, in an order that looks random and depends on the draw alone.
fn draw(texts: &Labelled, draw: u64) -> BTreeMap<&str, Vec<usize>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    (0..).zip(texts).for_each(|(at, (_, label))| places.entry(label).or_default().push(at));
    let mixed = |at: usize| {
        let mut bits = (draw << 32 | at as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    };
    for places in places.values_mut() {
        places.sort_by_key(|at| mixed(*at));
        places.truncate(10);
    }
    places
}

/// The domains that are declared with ten examples each, and nothing but their names besides.
fn declared(places: &BTreeMap<&str, Vec<usize>>, texts: &Labelled) -> Labels {
    let rules: Vec<Value> = places
        .iter()
        .map(|(label, places)| {
            let candidates: Vec<&str> = places.iter().map(|at| texts[*at].0.as_str()).collect();
            json!({ "name": label, "candidates": candidates })
        })
        .collect();
    let rules: Vec<settings::Rule> = serde_json::from_value(rules.into()).unwrap();
    let labels = Labels::new(&rules, &model::known::KNOWN.map(|known| known.name.to_owned()));
    assert_eq!(examples::Method::of(&labels), Some(examples::Method::Linear), "ten examples are enough");
    labels
}

/// The mean over the labels of the share of their texts that is judged rightly, in per cent.
fn accuracy(method: examples::Method, labels: &Labels, unseen: &[&(String, String)], vectors: &mut Vectors) -> f64 {
    let classes = method.classes(labels);
    vectors.add(classes.iter().flatten().map(String::as_str));
    let examples: Vec<Vec<&Vec<f32>>> =
        classes.iter().map(|texts| texts.iter().map(|text| &vectors.of[text]).collect()).collect();
    let head = Head::fit(method.word().parse::<Method>().unwrap(), &examples).unwrap();
    let mut right: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (text, label) in unseen {
        let scores = head.scores(&vectors.of[&*topic::of(text)]).unwrap();
        let log_odds = method.log_odds(labels, &scores);
        let best = labels.iter().zip(log_odds).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
        let (hits, all) = right.entry(label).or_default();
        *hits += f64::from(u8::from(best.domain.is_some_and(|domain| labels.domain(domain) == label)));
        *all += 1.0;
    }
    100.0 * right.values().map(|(hits, all)| hits / all).sum::<f64>() / right.len() as f64
}

/// The mean over the draws of what the linear head gets right; class means are printed beside it.
fn measure(name: &str, train: &Labelled, test: Option<&Labelled>) -> f64 {
    let encoder = Encoder::embedded(&Options::default()).unwrap();
    let mut vectors = Vectors { encoder, of: HashMap::new() };
    let asked: Vec<_> = test.unwrap_or(train).iter().map(|(text, _)| topic::of(text)).collect();
    vectors.add(asked.iter().map(|topic| &**topic));
    let mut sums = [0.0; 2];
    for number in 0..DRAWS {
        let places = draw(train, number);
        let labels = declared(&places, train);
        let seen: HashSet<usize> = places.values().flatten().copied().collect();
        let unseen: Vec<&(String, String)> = match test {
            Some(test) => test.iter().collect(),
            None => (0..).zip(train).filter(|(at, _)| !seen.contains(at)).map(|(_, row)| row).collect(),
        };
        for (sum, method) in sums.iter_mut().zip([examples::Method::Linear, examples::Method::Mean]) {
            *sum += accuracy(method, &labels, &unseen, &mut vectors) / DRAWS as f64;
        }
    }
    println!("{name}: linear {:.2} %, mean {:.2} %", sums[0], sums[1]);
    sums[0]
}

#[test]
fn a_hundred_and_fifty_intents() {
    let (Some(train), Some(dev)) = (read("clinc150/train.jsonl"), read("clinc150/dev.jsonl")) else { return };
    assert!(measure("CLINC150", &train, Some(&dev)) >= 91.0);
}

#[test]
fn seventy_seven_intents_of_one_bank() {
    let Some(train) = read("banking77/train.jsonl") else { return };
    assert!(measure("BANKING77", &train, None) >= 84.5);
}
