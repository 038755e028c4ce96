//! What a text is about, without what is wrapped around it.
//!
//! Greetings, thanks, role tags, answer formats, a harness's reminders: none of it tells the topic, and all of it moves a
//! sentence embedding. Signals that compare meaning pass [`of`] the ask to the host, all of them the same, so that one
//! embedding serves them all.

use std::borrow::Cow;

mod clause;
mod words;

use clause::{Clause, between_words, clause_ends, ends_clause, last_clauses};
use words::{Kind, kind};

/// Longer topics are cut to their beginning, middle and end, a third of this many characters each.
const MOST_CHARS: usize = 2048;

/// How many bytes of wrapping are found on either side.
const MOST_WRAPPING: usize = 16 << 10;

/// Elements that harnesses put into a user's message for the model to read.
const REMINDERS: [(&str, &str); 4] = [
    ("<system-reminder>", "</system-reminder>"),
    ("<system_reminder>", "</system_reminder>"),
    ("<environment_details>", "</environment_details>"),
    ("<environment_context>", "</environment_context>"),
];

/// The part of a text that tells its topic, at most 2048 characters and two blanks. A text that is nothing but wrapping
/// is its own topic: only an empty text has an empty one.
///
/// Clauses at the beginning and the end that consist of words without a topic are left out, and so is courtesy before
/// the first and after the last word that has one. Takes time in proportion to the text, whatever it is.
///
/// `Hi there! Could you tell me why the sky is blue? Thanks.` is about `why the sky is blue?`.
pub fn of(text: &str) -> Cow<'_, str> {
    let whole = without_reminders(text);
    match whole {
        Cow::Borrowed(whole) => excerpt(unwrapped(whole)),
        Cow::Owned(whole) if has_words(&whole) => Cow::Owned(excerpt(unwrapped(&whole)).into_owned()),
        Cow::Owned(_) => excerpt(text),
    }
}

fn without_reminders(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (open, close) in REMINDERS {
        if text.contains(open) {
            text = Cow::Owned(without(&text, open, close));
        }
    }
    text
}

/// The text without what stands between the two marks. A mark that is never closed stays.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        let Some((_, after)) = inside.split_once(close) else { break };
        kept.push_str(before);
        kept.push('\n');
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn unwrapped(text: &str) -> &str {
    let topic = without_end(without_beginning(text));
    if matches!(Clause::read(topic), Clause::Topic) { topic } else { text }
}

fn without_beginning(text: &str) -> &str {
    let mut kept = 0;
    let mut end = 0;
    let mut wrapped = false;
    for place in clause_ends(head(text)) {
        match Clause::read(text.get(end..place).unwrap_or_default()) {
            Clause::Topic => break,
            Clause::Wrapping => wrapped = true,
            Clause::Neutral => {}
        }
        end = place;
        if wrapped {
            (kept, wrapped) = (end, false);
        }
    }
    let kept = without_opening(text.get(kept..).unwrap_or_default());
    kept.trim_start_matches(|letter: char| letter.is_whitespace() || ends_clause(letter))
}

fn without_end(text: &str) -> &str {
    let mut kept = text.len();
    let mut start = text.len();
    let mut wrapped = false;
    let tail = tail(text);
    for place in last_clauses(tail) {
        let place = text.len() - tail.len() + place;
        match Clause::read(text.get(place..start).unwrap_or_default()) {
            Clause::Topic => break,
            Clause::Wrapping => wrapped = true,
            Clause::Neutral => {}
        }
        start = place;
        if wrapped {
            (kept, wrapped) = (start, false);
        }
    }
    let kept = without_closing(text.get(..kept).unwrap_or_default());
    kept.trim_end_matches(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | ':'))
}

/// "could you please tell me why" begins with "why".
fn without_opening(text: &str) -> &str {
    let mut rest = text;
    let mut courteous = false;
    loop {
        let from = rest.trim_start_matches(between_words);
        let word = from.split(between_words).next().unwrap_or_default();
        match kind(word) {
            Kind::Topic if courteous => return rest,
            Kind::Topic => return text,
            Kind::Courtesy => courteous = true,
            Kind::Format | Kind::Filler => {}
        }
        rest = from.get(word.len()..).unwrap_or_default();
    }
}

/// "why, thank you so much" ends with "why".
fn without_closing(text: &str) -> &str {
    let mut kept = text;
    let mut rest = text;
    loop {
        let to = rest.trim_end_matches(between_words);
        let word = to.rsplit(between_words).next().unwrap_or_default();
        rest = to.get(..to.len() - word.len()).unwrap_or_default();
        match kind(word) {
            Kind::Courtesy => kept = rest,
            Kind::Format | Kind::Filler => {}
            Kind::Topic => return kept,
        }
    }
}

/// Where wrapping before the topic is looked for.
fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_WRAPPING)).unwrap_or(text)
}

/// Where wrapping after the topic is looked for.
fn tail(text: &str) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(MOST_WRAPPING))..).unwrap_or(text)
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// The text, or three pieces of a long one: its beginning, middle and end, a third of 2048 characters each. Signals that read
/// no further take it.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST_CHARS {
        return Cow::Borrowed(text);
    }
    let length = text.chars().count();
    if length <= MOST_CHARS {
        return Cow::Borrowed(text);
    }
    let piece = MOST_CHARS / 3;
    let at = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte);
    let pieces = [0, (length - piece) / 2, length - piece].map(|start| text.get(at(start)..at(start + piece)));
    Cow::Owned(pieces.map(Option::unwrap_or_default).join(" "))
}

#[cfg(test)]
mod tests;
