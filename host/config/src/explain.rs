//! What each code means, from the document that people read.

/// Every explanation, each below a heading `### CODE: TITLE`.
const DOCUMENT: &str = include_str!("../../../config/diagnostics.md");

/// The explanation of a code in Markdown, its title first: what it means, an example, and the way out. Codes that other
/// crates push are explained too.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    sections().find(|(known, ..)| known.eq_ignore_ascii_case(code)).map(|(.., text)| text)
}

/// Every code that is explained, with its title.
pub fn explained() -> impl Iterator<Item = (&'static str, &'static str)> {
    sections().map(|(code, title, _)| (code, title))
}

/// Code, title and text.
fn sections() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    DOCUMENT.split("\n### ").filter_map(|text| {
        let (code, title) = text.lines().next()?.split_once(": ")?;
        Some((code, title, text.trim_end()))
    })
}
