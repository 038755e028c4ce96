//! The methods `bm25`, `ngram` and `fuzzy` against the libraries that define them: on the fixtures in
//! `cases/similarity.json`, which are computed with them, and on random texts.

use std::collections::BTreeSet;

use bm25::{Document, Language, SearchEngineBuilder};
use ngrammatic::{CorpusBuilder, Pad};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trackside_sdk::Component;

use crate::Keywords;

/// What a library says about the keywords of a rule and a text. Keywords that it does not mention are left out.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    method: String,
    keywords: Vec<String>,
    text: String,
    scores: Vec<(String, f32)>,
}

const METHODS: [&str; 3] = ["bm25", "ngram", "fuzzy"];

/// Keywords and texts whose scores are in the fixtures.
const KEYWORDS: [&[&str]; 4] = [
    &["machine learning", "neural network", "deep learning", "gradient descent"],
    &["refund", "return", "exchange", "money back guarantee"],
    &["kubernetes", "docker", "deployment", "container-image"],
    &["déjà vu", "Straße", "naïve", "running shoes", "the"],
];
const TEXTS: [&str; 12] = [
    "How does gradient descent train a neural network?",
    "Learn deeply: machines, networks and learning machines",
    "I want my money back, it is a refund I was guaranteed",
    "retrun this or exchnage it please",
    "kubernets deploymnet fails with docker containers",
    "DEPLOYMENT of container-image",
    "Deja vu in the Strasse: a naive runner runs in running shoes",
    "déjà vu, Straße, naïve",
    "the the the",
    "",
    "???",
    "これは何ですか",
];

fn computed(method: &str, keywords: &[&str], text: &str) -> Fixture {
    let mut scores = match method {
        "bm25" => ranked(keywords, text),
        "ngram" => pieces(keywords, text),
        _ => edits(keywords, text),
    };
    scores.sort_by(|a, b| a.0.cmp(&b.0));
    let keywords = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
    Fixture { method: method.to_owned(), keywords, text: text.to_owned(), scores }
}

fn ranked(keywords: &[&str], text: &str) -> Vec<(String, f32)> {
    let documents: Vec<Document<usize>> =
        (0..).zip(keywords).map(|(id, keyword)| Document::new(id, keyword.to_lowercase())).collect();
    let engine = SearchEngineBuilder::<usize>::with_documents(Language::English, documents).build();
    let found = engine.search(&text.to_lowercase(), keywords.len());
    found.into_iter().map(|found| (keywords[found.document.id].to_owned(), found.score)).collect()
}

/// The best similarity of a keyword to a word, or else to the text; as few keywords as here are never cut off.
fn pieces(keywords: &[&str], text: &str) -> Vec<(String, f32)> {
    let mut corpus = CorpusBuilder::default().arity(3).pad_full(Pad::Auto).finish();
    keywords.iter().for_each(|keyword| corpus.add_text(&keyword.to_lowercase()));
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').filter(|word| !word.is_empty());
    let looked_up: Vec<_> = words.chain([text.as_str()]).flat_map(|text| corpus.search(text, 0.0, 10)).collect();
    let best = |keyword: &&str| {
        let of_keyword = looked_up.iter().filter(|found| found.text == keyword.to_lowercase());
        Some(((*keyword).to_owned(), of_keyword.map(|found| found.similarity).reduce(f32::max)?))
    };
    keywords.iter().filter_map(best).collect()
}

/// The least edits from a keyword to a word.
fn edits(keywords: &[&str], text: &str) -> Vec<(String, f32)> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let least = |keyword: &&str| {
        let of_words = words.iter().map(|word| strsim::levenshtein(&keyword.to_lowercase(), word) as f32);
        Some(((*keyword).to_owned(), of_words.reduce(f32::min)?))
    };
    keywords.iter().filter_map(least).collect()
}

/// The keywords that the component finds with a threshold.
fn found(method: &str, keywords: &[String], text: &str, threshold: f32) -> BTreeSet<String> {
    let mut rule = json!({"name": "r", "operator": "OR", "keywords": keywords, "method": method});
    match method {
        "bm25" => rule["bm25_threshold"] = json!(threshold),
        "ngram" => rule["ngram_threshold"] = json!(threshold),
        _ => rule["fuzzy_threshold"] = json!(threshold as u32),
    }
    let configured = Keywords::configure(serde_json::from_value(json!({ "rules": [rule] })).unwrap()).unwrap();
    let found = configured.find(text);
    let detail = found.first().map(|found| found.detail.clone()).unwrap_or_default();
    detail.split(", ").filter(|keyword| !keyword.is_empty()).map(str::to_owned).collect()
}

/// With a threshold at a keyword's own score it is found, and a hair beyond it is not.
fn check(fixture: &Fixture) {
    let Fixture { method, keywords, text, scores } = fixture;
    for (_, threshold) in scores {
        let beyond = match method.as_str() {
            "fuzzy" => threshold - 1.0,
            _ => threshold.next_up(),
        };
        for threshold in [*threshold, beyond].into_iter().filter(|threshold| *threshold >= 0.0) {
            let reached = |score: f32| if method == "fuzzy" { score <= threshold } else { score >= threshold };
            let expected = scores.iter().filter(|(_, score)| reached(*score)).map(|(keyword, _)| keyword.clone());
            let found = found(method, keywords, text, threshold);
            // What occurs as it is written is found whatever the edits of its words are.
            let exact = |keyword: &String| method == "fuzzy" && keyword.contains(|c: char| !c.is_alphanumeric());
            let found: BTreeSet<String> = found.into_iter().filter(|keyword| !exact(keyword)).collect();
            let expected: BTreeSet<String> = expected.filter(|keyword| !exact(keyword)).collect();
            assert_eq!(found, expected, "{method} at {threshold}: {fixture:?}");
        }
    }
}

fn all() -> impl Iterator<Item = Fixture> {
    let of_method = |method| {
        KEYWORDS.iter().flat_map(move |keywords| TEXTS.iter().map(move |text| computed(method, keywords, text)))
    };
    METHODS.into_iter().flat_map(of_method)
}

#[test]
fn fixtures() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/similarity.json");
    if std::env::var_os("TRACKSIDE_WRITE_FIXTURES").is_some() {
        let lines: Vec<String> =
            all().map(|fixture| format!("  {}", serde_json::to_string(&fixture).unwrap())).collect();
        std::fs::write(file, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    let fixtures: Vec<Fixture> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(
        fixtures,
        all().collect::<Vec<_>>(),
        "the libraries score otherwise than when the fixtures were written"
    );
    fixtures.iter().for_each(check);
}

#[test]
fn random_texts() {
    const PARTS: [&str; 20] = [
        "run",
        "running",
        "runner",
        "tax",
        "taxes",
        "the",
        "a",
        "-",
        " ",
        "  ",
        ", ",
        "é",
        "Über",
        "’s",
        "don't",
        "_x",
        "日本",
        "x1",
        "y",
        "generously",
    ];
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = move |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % bound as u64).unwrap()
    };
    for round in 0..600 {
        let mut text = |least: usize, most: usize| {
            let parts = least + draw(most);
            (0..parts).map(|_| PARTS[draw(PARTS.len())]).collect::<String>()
        };
        let mut keywords: Vec<String> = (0..4).map(|_| text(1, 4)).collect();
        // The detail names keywords with commas between.
        keywords.retain(|keyword| !keyword.contains(',') && !keyword.trim().is_empty());
        keywords.sort();
        keywords.dedup_by_key(|keyword| keyword.to_lowercase());
        let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
        check(&computed(METHODS[round % 2], &keywords, &text(0, 14)));
    }
}
