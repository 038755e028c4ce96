//! Words and phrases: all of them in one pass over the text.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, BuildError};

use crate::fold::fold;
use crate::rules::{Found, KeywordId};

/// Whether upper and lower case are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

impl Case {
    /// The text as the methods see it that compare more than equal letters.
    pub(crate) fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Sensitive => Cow::Borrowed(text),
            Self::Insensitive => Cow::Owned(text.to_lowercase()),
        }
    }
}

/// Keywords that are looked for as they are written.
#[derive(Debug)]
pub(crate) struct Literals {
    automaton: AhoCorasick,
    case: Case,
    /// By pattern of the automaton.
    keywords: Vec<(KeywordId, Edges)>,
}

/// What must be true where a keyword begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edges {
    /// A word character on one side and none on the other, as `\b` in a regular expression.
    Word,
    /// Nothing.
    Anything,
}

impl Literals {
    pub(crate) fn new(case: Case, keywords: &[(KeywordId, &str)]) -> Result<Self, BuildError> {
        let texts = keywords.iter().map(|(_, text)| match case {
            Case::Sensitive => (*text).to_owned(),
            Case::Insensitive => fold(text).into_owned(),
        });
        let automaton = AhoCorasick::builder().ascii_case_insensitive(case == Case::Insensitive).build(texts)?;
        let keywords = keywords.iter().map(|(id, text)| (*id, Edges::of(text))).collect();
        Ok(Self { automaton, case, keywords })
    }

    pub(crate) fn find(&self, text: &str, found: &mut Found) {
        let folded;
        let text = match self.case {
            Case::Sensitive => text,
            Case::Insensitive => {
                folded = fold(text);
                &*folded
            }
        };
        let mut missing = self.keywords.len();
        for hit in self.automaton.find_overlapping_iter(text) {
            let Some(&(id, edges)) = self.keywords.get(hit.pattern().as_usize()) else { continue };
            if found.has(id) || !edges.hold(text, hit.start(), hit.end()) {
                continue;
            }
            found.add(id);
            missing -= 1;
            if missing == 0 {
                return;
            }
        }
    }
}

impl Edges {
    /// Keywords of Han script and of mere punctuation have no word edges to ask for.
    fn of(keyword: &str) -> Self {
        let has_word = keyword.chars().any(|c| c.is_alphanumeric() || c == '_');
        if has_word && !keyword.chars().any(is_han) { Self::Word } else { Self::Anything }
    }

    fn hold(self, text: &str, start: usize, end: usize) -> bool {
        self == Self::Anything || (is_edge(text, start) && is_edge(text, end))
    }
}

fn is_edge(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else { return false };
    before.chars().next_back().is_some_and(is_word) != after.chars().next().is_some_and(is_word)
}

fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { regex_syntax::is_word_character(c) }
}

/// The script property Han.
fn is_han(c: char) -> bool {
    matches!(c,
        '\u{2E80}'..='\u{2E99}' | '\u{2E9B}'..='\u{2EF3}' | '\u{2F00}'..='\u{2FD5}' | '\u{3005}' | '\u{3007}'
        | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303B}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FA6D}' | '\u{FA70}'..='\u{FAD9}' | '\u{16FE2}'..='\u{16FE3}' | '\u{16FF0}'..='\u{16FF6}'
        | '\u{20000}'..='\u{2A6DF}' | '\u{2A700}'..='\u{2B81D}' | '\u{2B820}'..='\u{2CEAD}'
        | '\u{2CEB0}'..='\u{2EBE0}' | '\u{2EBF0}'..='\u{2EE5D}' | '\u{2F800}'..='\u{2FA1D}'
        | '\u{30000}'..='\u{3134A}' | '\u{31350}'..='\u{33479}')
}

#[cfg(test)]
mod tests {
    use regex::{Regex, RegexBuilder};

    use super::*;
    use crate::tests::assigned;

    #[test]
    fn han_is_what_the_script_property_says() {
        let han = Regex::new(r"\p{Han}").unwrap();
        for c in assigned() {
            assert_eq!(is_han(c), han.is_match(c.encode_utf8(&mut [0; 4])), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn folding_moves_no_word_edge() {
        for c in assigned() {
            let folded = fold(c.encode_utf8(&mut [0; 4])).chars().next().unwrap();
            assert_eq!(is_word(c), is_word(folded), "U+{:04X}", u32::from(c));
        }
    }

    /// Texts and keywords of few, awkward characters, against the regular expression that defines a keyword.
    #[test]
    fn the_pass_finds_what_the_regular_expression_finds() {
        const ALPHABET: [&str; 14] = ["a", "A", "b", "s", "ſ", "k", "K", "ä", "Ä", " ", "-", "_", "i", "İ"];
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = move |bound: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % bound as u64).unwrap()
        };
        for round in 0..800 {
            let mut word = |longest: usize| (0..=draw(longest)).map(|_| ALPHABET[draw(14)]).collect::<String>();
            let text = word(24);
            let keywords: Vec<String> = (0..4).map(|_| word(3)).collect();
            let case = if round % 2 == 0 { Case::Sensitive } else { Case::Insensitive };
            let numbered: Vec<(KeywordId, &str)> =
                (0..).map(KeywordId).zip(keywords.iter().map(String::as_str)).collect();
            let mut found = Found::none(keywords.len());
            Literals::new(case, &numbered).unwrap().find(&text, &mut found);
            for (id, keyword) in numbered {
                let escaped = regex::escape(keyword);
                let edge = if Edges::of(keyword) == Edges::Word { r"\b" } else { "" };
                let regex = RegexBuilder::new(&format!("{edge}{escaped}{edge}"));
                let expected = { regex }.case_insensitive(case == Case::Insensitive).build().unwrap().is_match(&text);
                assert_eq!(found.has(id), expected, "{keyword:?} in {text:?}, {case:?}");
            }
        }
    }
}
