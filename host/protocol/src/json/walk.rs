//! Reading inside a text that was validated before. A span that is not of the wanted type has nothing in it.

use super::{JsonError, Kind, Member, Scanner, Span};

/// The members of an object, in order, repeated keys included.
pub(crate) fn members(bytes: &[u8], object: Span) -> Vec<Member> {
    let mut found = Vec::new();
    each_member(bytes, object, |member| found.push(member));
    found
}

/// The value under a key. When the key is repeated, the last one counts, as it does for most parsers.
pub(crate) fn member(bytes: &[u8], object: Span, name: &str) -> Option<Span> {
    let mut found = None;
    each_member(bytes, object, |member| {
        if member.is(bytes, name) {
            found = Some(member.value);
        }
    });
    found
}

/// The elements of an array, in order, found as they are asked for: a client may send millions.
pub(crate) fn elements(bytes: &[u8], array: Span) -> impl Iterator<Item = Span> {
    let mut scanner = (array.kind(bytes) == Some(Kind::Array)).then(|| Scanner::inside(bytes, array.start()));
    std::iter::from_fn(move || scanner.as_mut()?.next_element())
}

fn each_member(bytes: &[u8], object: Span, mut visit: impl FnMut(Member)) {
    if object.kind(bytes) == Some(Kind::Object) {
        // A validated text has no fault; were there one, the walk would just end there.
        let _: Result<Span, JsonError> = Scanner::inside(bytes, object.start()).object(|scanner, key| {
            visit(Member { key, value: scanner.value()? });
            Ok(())
        });
    }
}
