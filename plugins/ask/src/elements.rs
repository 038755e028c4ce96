//! Elements such as `<system-reminder>…</system-reminder>` in a text that is no XML: everything else in it stays as it is.

use std::collections::{BTreeMap, BTreeSet};

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is left out.
    Noise,
    /// It holds what the human wrote.
    Human,
}

/// The elements that are known, by name.
#[derive(Debug, Default)]
pub(crate) struct Elements(BTreeMap<&'static str, Kind>);

/// One element in a text.
#[derive(Debug, Clone, Copy)]
struct Element<'t> {
    inside: &'t str,
    behind: &'t str,
}

/// Names that are not closed in what is left of a text: there is no use in looking again, and a hostile text would have
/// us look at every one of its letters.
type Unclosed = BTreeSet<&'static str>;

impl Elements {
    pub(crate) fn add(&mut self, names: &[&'static str], kind: Kind) {
        self.0.extend(names.iter().map(|name| (*name, kind)));
    }

    /// The text without noise; nothing when there is none.
    pub(crate) fn without_noise(&self, text: &str) -> Option<String> {
        let mut unclosed = Unclosed::new();
        let (mut kept, mut rest, mut from) = (None::<String>, text, 0);
        while let Some(at) = rest.get(from..).and_then(|text| text.find('<')).map(|at| from + at) {
            from = at + 1;
            let element = self.read(Kind::Noise, rest.get(at..).unwrap_or_default(), &mut unclosed);
            let Some(element) = element else { continue };
            let kept = kept.get_or_insert_default();
            kept.push_str(rest.get(..at).unwrap_or_default());
            kept.push('\n');
            (rest, from) = (element.behind, 0);
        }
        kept.map(|kept| kept + rest)
    }

    /// What the human wrote, when the text begins with an element that says so: the last of those, as the first ones may
    /// be quoted.
    pub(crate) fn human<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut unclosed = Unclosed::new();
        let (mut rest, mut last) = (text.trim_start(), None);
        while let Some(element) = self.read(Kind::Human, rest, &mut unclosed) {
            last = Some(element.inside);
            rest = element.behind.trim_start();
        }
        last
    }

    /// The first element of those around what a human wrote, wherever it is.
    pub(crate) fn human_within<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut unclosed = Unclosed::new();
        let read = |(at, _): (usize, &str)| self.read(Kind::Human, text.get(at..)?, &mut unclosed);
        text.match_indices('<').find_map(read).map(|element| element.inside)
    }

    /// The element of a kind that a text begins with.
    fn read<'t>(&self, wanted: Kind, text: &'t str, unclosed: &mut Unclosed) -> Option<Element<'t>> {
        // No name and attributes are longer.
        const LONGEST_TAG: usize = 256;
        let tag = text.strip_prefix('<')?;
        let end = tag.bytes().take(LONGEST_TAG).position(|byte| byte == b'>' || byte == b'<')?;
        let inside = tag.get(end..)?.strip_prefix('>')?;
        let tag = tag.get(..end)?;
        let name = tag.split_ascii_whitespace().next()?;
        let (name, kind) = self.0.get_key_value(tag).or_else(|| self.0.get_key_value(name))?;
        if *kind != wanted || unclosed.contains(name) {
            return None;
        }
        let Some((inside, behind)) = inside.split_once(&format!("</{name}>")) else {
            unclosed.insert(name);
            return None;
        };
        Some(Element { inside, behind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements() -> Elements {
        let mut elements = Elements::default();
        elements.add(&["noise", "two words"], Kind::Noise);
        elements.add(&["ask", "reply"], Kind::Human);
        elements
    }

    #[test]
    fn noise_is_left_out() {
        for (text, expected) in [
            ("a", None),
            ("a < b", None),
            ("<noise>x</noise>", Some("\n")),
            ("a<noise>x</noise>b<noise>y\n</noise>c", Some("a\nb\nc")),
            ("<noise level=\"2\">x</noise>b", Some("\nb")),
            ("<two words>x</two words>b", Some("\nb")),
            ("<noise>x", None),
            ("<noise>x</noise >", None),
            ("<noises>x</noises>", None),
            ("<noise>x</noise>y</noise>", Some("\ny</noise>")),
            ("1 < 2 <<noise>x</noise>", Some("1 < 2 <\n")),
            ("<b>bold</b><ask>q</ask>", None),
            ("é<noise>ü</noise>日", Some("é\n日")),
        ] {
            assert_eq!(elements().without_noise(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_human_is_found_where_a_text_begins_with_them() {
        for (text, expected) in [
            ("<ask>q</ask>", Some("q")),
            (" \n<ask>q</ask> behind", Some("q")),
            ("<ask>q</ask>\n<reply>r</reply>", Some("r")),
            ("before <ask>q</ask>", None),
            ("<ask>q", None),
            ("plain", None),
        ] {
            assert_eq!(elements().human(text), expected, "{text}");
        }
        assert_eq!(elements().human_within("before <b> <ask>q</ask> <ask>r</ask>"), Some("q"));
        assert_eq!(elements().human_within("nobody"), None);
    }

    #[test]
    fn a_text_full_of_beginnings_takes_no_longer_than_another() {
        let start = std::time::Instant::now();
        for end in ["", "</ask>"] {
            let text = "<noise>".repeat(200_000) + &"<".repeat(200_000) + &"<reply>".repeat(200_000) + end;
            assert_eq!(elements().without_noise(&text), None);
            assert_eq!(elements().human_within(&text), None);
            assert_eq!(elements().without_noise(&text.replace("reply", "ask")), None);
        }
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
