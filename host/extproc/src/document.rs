//! Where a JSON object ends, found as its bytes come.

/// Follows a body that should be one JSON object.
#[derive(Debug, Default)]
pub(crate) struct Document {
    depth: usize,
    place: Place,
}

/// Whether more bytes could change what a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    More,
    Nothing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    Text,
    /// In a text, behind a backslash.
    Escape,
    Behind,
    /// No object, or more than one.
    Elsewhere,
}

impl Document {
    /// Takes the next bytes, and tells whether there is any use in more of them: not when the object is complete, and not
    /// when it is none.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Expects {
        for &byte in bytes {
            self.place = match (self.place, byte) {
                (Place::Inside, b'}' | b']') => self.closes(),
                (Place::Text, b'"') => Place::Inside,
                (Place::Text, b'\\') => Place::Escape,
                (Place::Text | Place::Escape, _) => Place::Text,
                (Place::Inside, b'"') => Place::Text,
                (Place::Inside, b'{' | b'[') | (Place::Before, b'{') => self.opens(),
                (place @ (Place::Before | Place::Behind), b' ' | b'\t' | b'\r' | b'\n') => place,
                (Place::Inside, _) => Place::Inside,
                (Place::Before | Place::Behind | Place::Elsewhere, _) => Place::Elsewhere,
            };
        }
        match self.place {
            Place::Before | Place::Inside | Place::Text | Place::Escape => Expects::More,
            Place::Behind | Place::Elsewhere => Expects::Nothing,
        }
    }

    fn opens(&mut self) -> Place {
        self.depth = self.depth.saturating_add(1);
        Place::Inside
    }

    fn closes(&mut self) -> Place {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 { Place::Behind } else { Place::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_ends_with_its_last_brace() {
        for (before, last) in [
            ("{", "}"),
            (r#" {"a":{"b":[1,{"c":"}"}]},"d":"\"}\\""#, "} \n"),
            (r#"{"a":"\\"#, "\"}"),
            ("\r\n{\"a\":[[]]", "}\t"),
        ] {
            let mut document = Document::default();
            assert_eq!(document.take(before.as_bytes()), Expects::More, "{before}");
            assert_eq!(document.take(last.as_bytes()), Expects::Nothing, "{before}{last}");
        }
    }

    #[test]
    fn what_is_no_object_is_seen_at_once() {
        for body in ["[", "\"{}\"", " x{}", "{}x", "{}{"] {
            assert_eq!(Document::default().take(body.as_bytes()), Expects::Nothing, "{body}");
        }
        for body in ["", " ", "{", r#"{"a":"}"#, r#"{"a":"\"}"#] {
            assert_eq!(Document::default().take(body.as_bytes()), Expects::More, "{body}");
        }
    }

    #[test]
    fn the_cut_makes_no_difference() {
        let body = r#"{"a":"\"\\","b":[{"c":{}}]} "#.as_bytes();
        let end = body.len() - 1;
        for at in 0..body.len() {
            let mut document = Document::default();
            assert_eq!(document.take(&body[..at]) == Expects::Nothing, at >= end, "{at}");
            assert_eq!(document.take(&body[at..]), Expects::Nothing, "{at}");
        }
    }
}
