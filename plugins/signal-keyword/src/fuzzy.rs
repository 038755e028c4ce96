//! Misspelt words: within so many edits of a keyword.

use crate::rules::{Found, KeywordId};

/// A keyword that a misspelt word may stand for.
#[derive(Debug)]
pub(crate) struct Fuzzy {
    id: KeywordId,
    letters: Vec<char>,
    mask: u64,
    threshold: usize,
}

impl Fuzzy {
    pub(crate) fn new(id: KeywordId, keyword: &str, threshold: u32) -> Self {
        let letters: Vec<char> = keyword.to_lowercase().chars().collect();
        let mask = mask(letters.iter().copied());
        Self { id, letters, mask, threshold: usize::try_from(threshold).unwrap_or(usize::MAX) }
    }

    fn matches(&self, word: &Word<'_>) -> bool {
        // Each letter that only one side has takes an edit: most words are out before any table is filled.
        let least = (self.mask & !word.mask).count_ones().max((word.mask & !self.mask).count_ones());
        usize::try_from(least).is_ok_and(|least| least <= self.threshold)
            && self.letters.len().abs_diff(word.length) <= self.threshold
            && within(&self.letters, word.text, self.threshold)
    }
}

struct Word<'a> {
    text: &'a str,
    length: usize,
    mask: u64,
}

/// Finds the keywords that are still missing.
pub(crate) fn find(keywords: &[Fuzzy], text: &str, found: &mut Found) {
    let mut missing: Vec<&Fuzzy> = keywords.iter().filter(|keyword| !found.has(keyword.id)).collect();
    if missing.is_empty() {
        return;
    }
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for text in words {
        let word = Word { text, length: text.chars().count(), mask: mask(text.chars()) };
        missing.retain(|keyword| {
            let matches = keyword.matches(&word);
            if matches {
                found.add(keyword.id);
            }
            !matches
        });
        if missing.is_empty() {
            return;
        }
    }
}

/// One bit for each letter; letters may share a bit.
fn mask(letters: impl Iterator<Item = char>) -> u64 {
    letters.fold(0, |mask, c| mask | 1 << (u32::from(c) % 64))
}

/// Whether the Levenshtein distance is at most the threshold.
fn within(a: &[char], b: &str, threshold: usize) -> bool {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (line, letter) in b.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut least = left;
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = left;
        }
        for (cell, other) in cells.zip(a) {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
            least = least.min(left);
        }
        if least > threshold {
            return false;
        }
    }
    row.last().is_some_and(|distance| *distance <= threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        let a: Vec<char> = a.chars().collect();
        (0..).find(|threshold| within(&a, b, *threshold)).unwrap()
    }

    #[test]
    fn distances() {
        let table = [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("urgent", "urgnt", 1),
            ("ärger", "arger", 1),
            ("abcdef", "badcfe", 4),
            ("same", "same", 0),
        ];
        for (a, b, expected) in table {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn the_mask_never_hides_a_word_that_is_near_enough() {
        let keyword = Fuzzy::new(KeywordId(0), "Urgent", 2);
        for (text, near) in
            [("urgent", true), ("urgnt", true), ("agent", true), ("gentle", false), ("resurgent", false)]
        {
            let word = Word { text, length: text.chars().count(), mask: mask(text.chars()) };
            assert_eq!(keyword.matches(&word), near, "{text}");
            assert_eq!(within(&keyword.letters, text, 2), near, "{text}");
        }
    }
}
