//! A text as clauses and words.

use super::words::{Kind, kind};

/// Words between two marks of punctuation.
pub(super) enum Clause {
    Topic,
    Wrapping,
    Neutral,
}

impl Clause {
    pub(super) fn read(text: &str) -> Self {
        let mut clause = Self::Neutral;
        for word in text.split(between_words).filter(|word| !word.is_empty()) {
            match kind(word) {
                Kind::Topic => return Self::Topic,
                Kind::Courtesy | Kind::Format => clause = Self::Wrapping,
                Kind::Filler => {}
            }
        }
        clause
    }
}

/// The places behind marks that end a clause. A mark within a number, as in 1.5 or 10:30, ends none.
pub(super) fn clause_ends(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(ends_clause).filter_map(|(place, mark)| behind(text, place, mark))
}

/// The places where the last clauses begin, the last first: behind such marks, and at tags.
pub(super) fn last_clauses(text: &str) -> impl Iterator<Item = usize> {
    let marks = text.rmatch_indices(|letter| ends_clause(letter) || begins_tag(letter));
    marks.filter_map(|(place, mark)| if mark.starts_with(begins_tag) { Some(place) } else { behind(text, place, mark) })
}

fn behind(text: &str, place: usize, mark: &str) -> Option<usize> {
    let end = place + mark.len();
    let goes_on = matches!(mark, "." | "," | ":") && text.get(end..)?.starts_with(|next: char| next.is_ascii_digit());
    (!goes_on).then_some(end)
}

pub(super) fn ends_clause(letter: char) -> bool {
    matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | '>' | ']' | '\n' | '…' | '。' | '，' | '？' | '！' | '：')
}

fn begins_tag(letter: char) -> bool {
    matches!(letter, '<' | '[')
}

pub(super) fn between_words(letter: char) -> bool {
    !(letter.is_alphanumeric() || matches!(letter, '\'' | '’' | '_'))
}
