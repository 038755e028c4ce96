//! From rules to one search, and from what it found back to the rules that hold.

use std::fmt::Display;
use std::ops::Range;

use trackside_sdk::{Failure, Match, failure, matched};

use crate::fuzzy::{self, Fuzzy};
use crate::literals::{Case, Literals};
use crate::patterns::{Pattern, Patterns};
use crate::pieces::Pieces;
use crate::ranked::Ranked;
use crate::settings::{Method, Operator, Rule};

/// A keyword's position among the keywords of all rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeywordId(pub(crate) usize);

/// The keywords that occur in a text.
#[derive(Debug)]
pub(crate) struct Found(Vec<bool>);

impl Found {
    pub(crate) fn none(keywords: usize) -> Self {
        Self(vec![false; keywords])
    }

    pub(crate) fn has(&self, id: KeywordId) -> bool {
        self.0.get(id.0).is_some_and(|found| *found)
    }

    pub(crate) fn add(&mut self, id: KeywordId) {
        if let Some(found) = self.0.get_mut(id.0) {
            *found = true;
        }
    }
}

/// All keyword rules of a configuration, ready to search.
#[derive(Debug)]
pub struct Keywords {
    rules: Vec<Ready>,
    /// As they are written, by id.
    keywords: Vec<String>,
    exact: Option<Literals>,
    folded: Option<Literals>,
    patterns: Option<Patterns>,
    fuzzy: Vec<Fuzzy>,
    ranked: Vec<Ranked>,
    pieces: Vec<Pieces>,
}

#[derive(Debug)]
struct Ready {
    name: String,
    operator: Operator,
    keywords: Range<usize>,
}

/// A match carries at most this much of what was found; the host keeps no more.
const DETAIL_BYTES: usize = 256;

impl Keywords {
    /// # Errors
    /// A keyword that is empty or no pattern, pieces of no sensible length, or more keywords than can be searched.
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, Failure> {
        let mut sorted = Sorted::default();
        let mut keywords = Vec::new();
        let mut ready = Vec::with_capacity(rules.len());
        for rule in rules {
            let first = keywords.len();
            let search = search(rule)?;
            for (number, keyword) in (1..).zip(&rule.keywords) {
                let invalid = |what| invalid(format!("rule `{}`: keyword {number} {what}", rule.name));
                sorted.add(KeywordId(keywords.len()), keyword, search).map_err(invalid)?;
                keywords.push(keyword.clone());
            }
            sorted.add_together(first, &rule.keywords, search);
            ready.push(Ready { name: rule.name.clone(), operator: rule.operator, keywords: first..keywords.len() });
        }
        Ok(Self {
            rules: ready,
            keywords,
            exact: unless_empty(sorted.exact, |keywords| Literals::new(Case::Sensitive, &keywords))?,
            folded: unless_empty(sorted.folded, |keywords| Literals::new(Case::Insensitive, &keywords))?,
            patterns: unless_empty(sorted.patterns, Patterns::new)?,
            fuzzy: sorted.fuzzy,
            ranked: sorted.ranked,
            pieces: sorted.pieces,
        })
    }

    /// The rules that hold for a text, in the order of the configuration.
    pub(crate) fn find(&self, text: &str) -> Vec<Match> {
        let mut found = Found::none(self.keywords.len());
        for literals in self.exact.iter().chain(&self.folded) {
            literals.find(text, &mut found);
        }
        if let Some(patterns) = &self.patterns {
            patterns.find(text, &mut found);
        }
        fuzzy::find(&self.fuzzy, text, &mut found);
        self.ranked.iter().for_each(|ranked| ranked.find(text, &mut found));
        self.pieces.iter().for_each(|pieces| pieces.find(text, &mut found));
        self.rules.iter().filter_map(|rule| self.judge(rule, &found)).collect()
    }

    fn judge(&self, rule: &Ready, found: &Found) -> Option<Match> {
        let mut present = rule.keywords.clone().filter(|id| found.has(KeywordId(*id))).peekable();
        let holds = match rule.operator {
            Operator::And => present.clone().count() == rule.keywords.len(),
            Operator::Or => present.peek().is_some(),
            Operator::Nor => present.peek().is_none(),
        };
        holds.then(|| {
            let mut detail = String::new();
            for keyword in present.filter_map(|id| self.keywords.get(id)) {
                if detail.len() + keyword.len() > DETAIL_BYTES {
                    break;
                }
                if !detail.is_empty() {
                    detail.push_str(", ");
                }
                detail.push_str(keyword);
            }
            matched(&rule.name, 1.0, detail)
        })
    }
}

/// How a rule's keywords are searched.
#[derive(Debug, Clone, Copy)]
enum Search {
    Words(Case),
    /// Within so many edits when they do not occur.
    Fuzzy(Case, u32),
    Pattern(Case),
    /// By a score of at least so much.
    Ranked(Case, f32),
    /// By so many letters at a time, with at least so much similarity.
    Pieces(Case, usize, f32),
}

/// Longer pieces are longer than words.
const MOST_ARITY: usize = 64;

fn search(rule: &Rule) -> Result<Search, Failure> {
    let case = if rule.case_sensitive { Case::Sensitive } else { Case::Insensitive };
    match rule.method {
        Method::Words if !rule.fuzzy_match => Ok(Search::Words(case)),
        Method::Words | Method::Fuzzy => Ok(Search::Fuzzy(case, rule.fuzzy_threshold)),
        Method::Regex => Ok(Search::Pattern(case)),
        Method::Bm25 => Ok(Search::Ranked(case, rule.bm25_threshold)),
        Method::Ngram if rule.ngram_arity > MOST_ARITY => {
            let (name, arity) = (&rule.name, rule.ngram_arity);
            Err(invalid(format!("rule `{name}`: ngram_arity is {arity}, expected 2 to {MOST_ARITY}")))
        }
        Method::Ngram => Ok(Search::Pieces(case, rule.ngram_arity, rule.ngram_threshold)),
    }
}

/// The keywords of all rules by how they are searched.
#[derive(Default)]
struct Sorted<'a> {
    exact: Vec<(KeywordId, &'a str)>,
    folded: Vec<(KeywordId, &'a str)>,
    patterns: Vec<(KeywordId, Pattern)>,
    fuzzy: Vec<Fuzzy>,
    ranked: Vec<Ranked>,
    pieces: Vec<Pieces>,
}

impl<'a> Sorted<'a> {
    /// # Errors
    /// What is wrong with the keyword.
    fn add(&mut self, id: KeywordId, keyword: &'a str, search: Search) -> Result<(), String> {
        if keyword.is_empty() {
            return Err("is empty and would be found in every request".into());
        }
        let case = match search {
            Search::Pattern(case) => {
                let pattern =
                    Pattern::parse(keyword, case).map_err(|reason| format!("`{keyword}` is no pattern: {reason}"))?;
                self.patterns.push((id, pattern));
                return Ok(());
            }
            Search::Fuzzy(case, threshold) => {
                self.fuzzy.push(Fuzzy::new(id, keyword, threshold));
                case
            }
            Search::Words(case) => case,
            Search::Ranked(..) | Search::Pieces(..) => return Ok(()),
        };
        match case {
            Case::Sensitive => self.exact.push((id, keyword)),
            Case::Insensitive => self.folded.push((id, keyword)),
        }
        Ok(())
    }

    /// Adds the keywords of a rule whose method looks at all of them together.
    fn add_together(&mut self, first: usize, keywords: &'a [String], search: Search) {
        let keywords: Vec<(KeywordId, &str)> =
            (first..).map(KeywordId).zip(keywords.iter().map(String::as_str)).collect();
        match search {
            Search::Ranked(case, threshold) => {
                let known = self.ranked.iter().position(|ranked| ranked.case() == case);
                let place = known.unwrap_or_else(|| {
                    self.ranked.push(Ranked::new(case));
                    self.ranked.len() - 1
                });
                if let Some(ranked) = self.ranked.get_mut(place) {
                    ranked.add(&keywords, threshold);
                }
            }
            Search::Pieces(case, arity, threshold) => {
                self.pieces.push(Pieces::new(case, arity, threshold, &keywords));
            }
            Search::Words(_) | Search::Fuzzy(..) | Search::Pattern(_) => {}
        }
    }
}

fn unless_empty<K, T, E: Display>(
    keywords: Vec<K>,
    new: impl FnOnce(Vec<K>) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    let some = (!keywords.is_empty()).then(|| new(keywords));
    some.transpose().map_err(|error| invalid(format!("too many keywords: {error}")))
}

fn invalid(message: String) -> Failure {
    failure("invalid-settings", message)
}
