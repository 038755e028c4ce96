//! Keywords by BM25: each keyword of a rule is a document, and the request is the query. The scores are those of the crate
//! `bm25` with its tokeniser for English, computed in one pass over the request for all rules.

use std::collections::{BTreeMap, BTreeSet};

use deunicode::deunicode_with_tofu_cow;
use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use crate::literals::Case;
use crate::rules::{Found, KeywordId};

/// How soon more of the same word stops to count, and how much a keyword's length does.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// The mean length that is assumed where there is none.
const MEAN_LENGTH: f32 = 256.0;

/// All rules with this method.
pub(crate) struct Ranked {
    tokens: Tokens,
    case: Case,
    /// By token, in what keywords it is and what it is worth there.
    postings: BTreeMap<String, Vec<Posting>>,
    /// First bytes of those tokens.
    beginnings: BTreeSet<u8>,
    /// What each keyword has to reach.
    thresholds: Vec<(KeywordId, f32)>,
}

#[derive(Debug)]
struct Posting {
    /// Position in `thresholds`.
    keyword: usize,
    worth: f32,
}

impl Ranked {
    pub(crate) fn new(case: Case) -> Self {
        let (postings, beginnings) = (BTreeMap::new(), BTreeSet::new());
        Self { tokens: Tokens::new(), case, postings, beginnings, thresholds: Vec::new() }
    }

    pub(crate) fn case(&self) -> Case {
        self.case
    }

    /// Adds the keywords of one rule. They are compared with one another only: what is rare among them counts for more.
    pub(crate) fn add(&mut self, keywords: &[(KeywordId, &str)], threshold: f32) {
        let documents: Vec<Vec<String>> = keywords.iter().map(|(_, text)| self.document(text)).collect();
        let total: usize = documents.iter().map(Vec::len).sum();
        let mean = if total == 0 { MEAN_LENGTH } else { (total as f64 / documents.len() as f64) as f32 };
        for ((id, _), document) in keywords.iter().zip(&documents) {
            let distinct: BTreeSet<&String> = document.iter().collect();
            for token in distinct {
                let times = document.iter().filter(|other| *other == token).count() as f32;
                let length = document.len() as f32;
                let value = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * (length / mean)));
                let within = documents.iter().filter(|other| other.contains(token)).count() as f32;
                let rarity = (1.0 + (documents.len() as f32 - within + 0.5) / (within + 0.5)).ln();
                let posting = Posting { keyword: self.thresholds.len(), worth: rarity * value };
                self.beginnings.extend(token.bytes().next());
                self.postings.entry(token.clone()).or_default().push(posting);
            }
            self.thresholds.push((*id, threshold));
        }
    }

    pub(crate) fn find(&self, text: &str, found: &mut Found) {
        let mut scores: Vec<Option<f32>> = vec![None; self.thresholds.len()];
        let wanted = |beginning: u8| self.beginnings.contains(&beginning);
        self.tokens.each(text, self.case, wanted, |token| {
            for posting in self.postings.get(token).into_iter().flatten() {
                if let Some(score) = scores.get_mut(posting.keyword) {
                    *score = Some(score.unwrap_or_default() + posting.worth);
                }
            }
        });
        for ((id, threshold), score) in self.thresholds.iter().zip(scores) {
            if score.is_some_and(|score| score >= *threshold) {
                found.add(*id);
            }
        }
    }

    fn document(&self, keyword: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        self.tokens.each(keyword, self.case, |_| true, |token| tokens.push(token.to_owned()));
        tokens
    }
}

impl std::fmt::Debug for Ranked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ranked").field("case", &self.case).field("postings", &self.postings).finish_non_exhaustive()
    }
}

/// Takes a text apart: words in ASCII, without those that say nothing, and without their endings.
struct Tokens {
    stop_words: BTreeSet<String>,
    stemmer: Stemmer,
}

impl Tokens {
    fn new() -> Self {
        let stop_words = stop_words::get(stop_words::LANGUAGE::English).iter().map(|word| ascii(word).into_owned());
        Self { stop_words: stop_words.collect(), stemmer: Stemmer::create(Algorithm::English) }
    }

    /// Visits the tokens of a text in order. A stem begins as its word does, so words whose beginning nobody wants are
    /// passed over without a look at their endings.
    fn each(&self, text: &str, case: Case, wanted: impl Fn(u8) -> bool, mut visit: impl FnMut(&str)) {
        let text = ascii(&case.of(text)).to_lowercase();
        let words = text.unicode_words().filter(|word| word.bytes().next().is_some_and(&wanted));
        for word in words.filter(|word| !self.stop_words.contains(*word)) {
            visit(&self.stemmer.stem(word));
        }
    }
}

fn ascii(text: &str) -> std::borrow::Cow<'_, str> {
    deunicode_with_tofu_cow(text, "[?]")
}
