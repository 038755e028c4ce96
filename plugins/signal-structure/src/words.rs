//! Words of a text, in any script.

use crate::scripts::is_cjk;

/// How many words a text has: a run of letters and digits is one, and so is each character of the scripts that are
/// written without blanks.
pub(crate) fn count(text: &str) -> usize {
    let mut words = 0;
    let mut within = false;
    for c in text.chars() {
        let cjk = is_cjk(c);
        let letter = cjk || c.is_alphanumeric();
        words += usize::from(letter && (cjk || !within));
        within = letter && !cjk;
    }
    words
}

/// How often a keyword occurs. Unless it has characters of those scripts, it has to begin and end where a word does.
pub(crate) fn occurrences(text: &str, keyword: &str) -> usize {
    if keyword.is_empty() {
        return 0;
    }
    let bound = !keyword.chars().any(is_cjk);
    let hits = text.match_indices(keyword);
    hits.filter(|(start, found)| !bound || stands_alone(text, *start, start + found.len())).count()
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() && !is_cjk(c);
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let after = text.get(end..).and_then(|after| after.chars().next());
    !before.is_some_and(joins) && !after.is_some_and(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_any_script() {
        for (text, expected) in [
            ("", 0),
            (" ,.! ", 0),
            ("one", 1),
            ("please output a table", 4),
            ("well-known", 2),
            ("it's", 2),
            ("x86_64", 2),
            ("日本語", 3),
            ("日本語 text 3", 5),
            ("a日b", 3),
            ("한국어", 3),
            ("über Ärger", 2),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }

    #[test]
    fn keywords_stand_alone_unless_their_script_has_no_blanks() {
        for (text, keyword, expected) in [
            ("think, and think again", "think", 2),
            ("thinking", "think", 0),
            ("rethink", "think", 0),
            ("think-tank", "think", 1),
            ("think_tank", "think", 1),
            ("step by step by step", "step by step", 1),
            ("请思考请", "请", 2),
            ("请think请", "think", 1),
            ("c++ and c++11", "c++", 1),
            ("", "x", 0),
            ("x", "", 0),
        ] {
            assert_eq!(occurrences(text, keyword), expected, "{keyword} in {text}");
        }
    }
}
