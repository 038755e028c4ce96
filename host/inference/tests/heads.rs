//! How well a linear head tells intents apart after ten examples of each: what the choice of the method rests on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path, thread};
use trackside_inference::{
    Embedder, Encoder, Options,
    vectors::{Head, Method},
};

/// Texts with their labels.
type Labelled = Vec<(String, String)>;

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

fn embed(encoder: &Encoder, texts: &Labelled) -> Vec<Vec<f32>> {
    let (first, second) = texts.split_at(texts.len() / 2);
    let half = |texts: &[(String, String)]| -> Vec<Vec<f32>> {
        texts.iter().map(|(text, _)| encoder.embed(text).unwrap().as_slice().to_vec()).collect()
    };
    thread::scope(|scope| {
        let second = scope.spawn(|| half(second));
        let mut rows = half(first);
        rows.extend(second.join().unwrap());
        rows
    })
}

/// Ten places for each label, in an order that looks random and depends on the draw alone.
fn draw(texts: &Labelled, draw: u64) -> BTreeMap<&str, Vec<usize>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    (0..).zip(texts).for_each(|(at, (_, label))| places.entry(label).or_default().push(at));
    let order = |at: &usize| (*at as u64 + 1 + draw * 1_000_003).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    for places in places.values_mut() {
        places.sort_by_key(|at| order(at).wrapping_mul(0xbf58_476d_1ce4_e5b9));
        places.truncate(10);
    }
    places
}

/// The mean over the labels of the share of their texts that is judged rightly.
fn accuracy(head: &Head, labels: &[&str], texts: &[(&Vec<f32>, &str)]) -> f64 {
    let mut right: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (vector, label) in texts {
        let scores = head.scores(vector).unwrap();
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        let (hits, all) = right.entry(label).or_default();
        *hits += f64::from(u8::from(labels[best] == *label));
        *all += 1.0;
    }
    100.0 * right.values().map(|(hits, all)| hits / all).sum::<f64>() / right.len() as f64
}

/// Means over some draws: of the linear head, and of class means.
fn measure(name: &str, train: &Labelled, test: Option<&Labelled>, draws: u64) -> f64 {
    let encoder = Encoder::embedded(&Options::default()).unwrap();
    let vectors = embed(&encoder, train);
    let test = test.map(|test| (test, embed(&encoder, test)));
    let mut sums = [0.0; 2];
    for number in 0..draws {
        let places = draw(train, number);
        let labels: Vec<&str> = places.keys().copied().collect();
        let classes: Vec<Vec<&Vec<f32>>> =
            places.values().map(|places| places.iter().map(|at| &vectors[*at]).collect()).collect();
        let unseen: Vec<(&Vec<f32>, &str)> = match &test {
            Some((texts, vectors)) => vectors.iter().zip(texts.iter().map(|(_, label)| label.as_str())).collect(),
            None => {
                let seen = |at: &usize| places[train[*at].1.as_str()].contains(at);
                (0..train.len()).filter(|at| !seen(at)).map(|at| (&vectors[at], train[at].1.as_str())).collect()
            }
        };
        for (sum, method) in sums.iter_mut().zip([Method::Linear, Method::Mean]) {
            let head = Head::fit(method, &classes).unwrap();
            *sum += accuracy(&head, &labels, &unseen) / draws as f64;
        }
    }
    println!("{name}: linear {:.1} %, mean {:.1} %", sums[0], sums[1]);
    sums[0]
}

#[test]
fn a_hundred_and_fifty_intents() {
    let (Some(train), Some(dev)) = (read("clinc150/train.jsonl"), read("clinc150/dev.jsonl")) else { return };
    // A third of the examples, of which there are a hundred each, is plenty to draw from.
    let train = train.into_iter().step_by(3).collect();
    assert!(measure("CLINC150", &train, Some(&dev), 3) >= 91.0);
}

#[test]
fn seventy_seven_intents_of_one_bank() {
    let Some(train) = read("banking77/train.jsonl") else { return };
    assert!(measure("BANKING77", &train, None, 5) >= 84.5);
}
