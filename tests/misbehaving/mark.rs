//! What a finished component is to do. A test writes it into the file, so that one build makes any number of components that
//! misbehave, each with a digest of its own.

use crate::acts;
use std::hint::black_box;

/// A stage (`describe`, `configure` or `call`), a deed, and a word: the deed is done when the ask holds it, or always when
/// there is none. The test finds the blanks by what is before them.
static MARK: [u8; 90] = *b"misbehave:                                                                                ";

/// What is before the blanks.
const NAME: usize = 10;

/// What the test has written.
#[derive(Debug)]
pub(crate) struct Mark {
    stage: &'static str,
    pub(crate) does: &'static str,
    pub(crate) when: Option<&'static str>,
}

/// What is to be done at a stage, if anything is.
pub(crate) fn at(stage: &str) -> Option<Mark> {
    // Otherwise the compiler would know that there is nothing.
    let text = black_box(&MARK).get(NAME..).and_then(|blanks| std::str::from_utf8(blanks).ok())?;
    let mut words = text.split_whitespace();
    let mark = Mark { stage: words.next()?, does: words.next()?, when: words.next() };
    (mark.stage == stage).then_some(mark)
}

/// Does what is to be done at a stage that has no request.
pub(crate) fn pass(stage: &str) {
    if let Some(mark) = at(stage) {
        acts::act(mark.does);
    }
}
