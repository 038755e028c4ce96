//! Regular expressions: all of them in one pass over the text, in time linear in its length.

use regex::{RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use trackside_sdk::re2;

use crate::literals::Case;
use crate::rules::{Found, KeywordId};

/// Keywords that are patterns.
#[derive(Debug)]
pub(crate) struct Patterns {
    set: RegexSet,
    /// By pattern of the set.
    keywords: Vec<KeywordId>,
}

/// A pattern that reads well, in the syntax of the engine.
#[derive(Debug)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// # Errors
    /// What is wrong with the pattern, in a few words.
    pub(crate) fn parse(pattern: &str, case: Case) -> Result<Self, String> {
        let flag = if case == Case::Insensitive { "(?i)" } else { "" };
        let pattern = flag.to_owned() + &re2::translate(pattern);
        match ParserBuilder::new().build().parse(&pattern) {
            Ok(_) => Ok(Self(pattern)),
            Err(regex_syntax::Error::Parse(error)) => Err(error.kind().to_string()),
            Err(regex_syntax::Error::Translate(error)) => Err(error.kind().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Patterns {
    /// # Errors
    /// When the patterns together are too large for the engine.
    pub(crate) fn new(patterns: Vec<(KeywordId, Pattern)>) -> Result<Self, regex::Error> {
        let set = RegexSetBuilder::new(patterns.iter().map(|(_, pattern)| &pattern.0)).size_limit(4 << 20).build()?;
        Ok(Self { set, keywords: patterns.into_iter().map(|(id, _)| id).collect() })
    }

    pub(crate) fn find(&self, text: &str, found: &mut Found) {
        for hit in &self.set.matches(text) {
            if let Some(id) = self.keywords.get(hit) {
                found.add(*id);
            }
        }
    }
}
