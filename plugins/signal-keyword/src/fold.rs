//! Letters without case, as Unicode's simple case folding has them: `Ä` is `ä`, `ſ` and the Kelvin sign are `s` and
//! `k`, while `İ` and `ı` are only themselves.

use std::borrow::Cow;

/// The text with all characters that differ by case alone made equal. Text that is ASCII comes back as it is: the
/// search ignores the case of ASCII letters by itself.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.chars().map(fold_char).collect()) }
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // Upper case and then lower case is simple folding wherever both steps give one character, but for the dotless ı,
    // which would meet the i on this way, and three pairs whose upper case is longer.
    match c {
        'ı' => return c,
        '\u{1FD3}' => return '\u{390}',
        '\u{1FE3}' => return '\u{3B0}',
        '\u{FB05}' => return '\u{FB06}',
        _ => {}
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(c)
}

fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    use super::*;
    use crate::tests::assigned;

    /// Every character of Unicode against the tables that regular expressions use.
    #[test]
    fn characters_fold_together_exactly_when_a_regular_expression_says_so() {
        let mut together: HashMap<char, Vec<char>> = HashMap::new();
        for c in assigned() {
            together.entry(fold_char(c)).or_default().push(c);
        }
        for c in assigned() {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.case_fold_simple();
            let expected: Vec<char> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
            assert_eq!(together[&fold_char(c)], expected, "{c:?} U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn text_folds() {
        assert_eq!(fold("ÄRGER"), fold("ärger"));
        assert_eq!(fold("Kilogramm ſtraße"), "kilogramm straße");
        assert_ne!(fold("İé"), fold("ié"));
        assert!(matches!(fold("ASCII"), Cow::Borrowed("ASCII")));
    }
}
