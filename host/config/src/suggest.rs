//! Did you mean …?

/// Farther apart than this, two words are not a slip of the finger.
const MAX_DISTANCE: usize = 3;

/// Longer words are never compared, so that a hostile key costs nothing.
const MAX_LENGTH: usize = 64;

/// More candidates are never compared: a file can have as many slips as names.
const MAX_CANDIDATES: usize = 500;

/// The candidate nearest to `word`, when it is near enough to have been meant.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = word.to_lowercase();
    // A short word has few letters to get wrong: three edits turn "pii" into anything.
    let most = MAX_DISTANCE.min(word.chars().count().div_ceil(3));
    if word.is_empty() || word.len() > MAX_LENGTH {
        return None;
    }
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|c| c.len().abs_diff(word.len()) <= most && *c != word)
        .map(|c| (strsim::osa_distance(&folded, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, c)| c)
}

/// `did you mean "…"?`, when there is something to suggest.
pub(crate) fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(word, candidates).map(|c| format!("did you mean {c:?}?"))
}

/// `"a"`, `"a" and "b"`, `"a", "b" and 7 more`: names in a sentence, at most five of them.
pub(crate) fn list<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = names.into_iter().map(|n| format!("{n:?}")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] if names.len() <= SHOWN => format!("{} and {last}", most.join(", ")),
        _ => format!(
            "{} and {} more",
            names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "),
            names.len() - SHOWN
        ),
    }
}

/// The start of a long text, for a message.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_some() { start + "…" } else { start }
}
