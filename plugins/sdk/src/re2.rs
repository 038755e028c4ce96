//! Patterns are RE2's: there `\b`, `\w`, `\d` and `\s` know ASCII only. Rust's engine reads the same syntax with a wider
//! meaning, and leaves its fast path when a Unicode word boundary meets text that is not ASCII: one curly quote is enough.

/// Rewrites a pattern so that it means in the crate `regex` what it means in RE2. What is no pattern stays none.
#[must_use]
pub fn translate(pattern: &str) -> String {
    let mut rust = String::with_capacity(pattern.len() + 16);
    let mut class = Class::Outside;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        class = match (c, class) {
            ('\\', _) => {
                match chars.next() {
                    Some('Q') if class == Class::Outside => {
                        let rest = chars.as_str();
                        let (quoted, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
                        quote(quoted, &mut rust);
                        chars = rest.chars();
                    }
                    Some(escaped) => escape(escaped, class, &mut rust),
                    None => rust.push('\\'),
                }
                if class == Class::Start { Class::Inside } else { class }
            }
            ('[', Class::Outside) => {
                rust.push('[');
                if let Some(rest) = chars.as_str().strip_prefix('^') {
                    rust.push('^');
                    chars = rest.chars();
                }
                Class::Start
            }
            // Inside a class RE2 knows no nested class: a bracket is a bracket, unless it opens `[:alpha:]`.
            ('[', _) if let Some(name) = class_name(chars.as_str()) => {
                rust.push('[');
                rust.push_str(name);
                chars = chars.as_str().get(name.len()..).unwrap_or_default().chars();
                Class::Inside
            }
            ('[' | '&' | '~', Class::Start | Class::Inside) => {
                rust.extend(['\\', c]);
                Class::Inside
            }
            // A closing bracket that comes first stands for itself.
            (']', Class::Start) => {
                rust.push_str("\\]");
                Class::Inside
            }
            (']', Class::Inside) => {
                rust.push(']');
                Class::Outside
            }
            _ => {
                rust.push(c);
                if class == Class::Start { Class::Inside } else { class }
            }
        };
    }
    rust
}

/// Where in a bracketed class the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    Start,
    Inside,
}

fn escape(escaped: char, class: Class, rust: &mut String) {
    let meaning = match escaped {
        'b' if class == Class::Outside => r"(?-u:\b)",
        'B' if class == Class::Outside => r"(?-u:\B)",
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => {
            rust.extend(['\\', escaped]);
            return;
        }
    };
    rust.push_str(meaning);
}

/// Makes a text a pattern for itself.
fn quote(text: &str, rust: &mut String) {
    for c in text.chars() {
        // Before any other character a backslash means something else.
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            rust.push('\\');
        }
        rust.push(c);
    }
}

/// The `:alpha:]` with which the rest of `[:alpha:]` begins.
fn class_name(rest: &str) -> Option<&str> {
    let end = rest.strip_prefix(':')?.find(":]")?;
    let name = rest.get(..end + 3)?;
    name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'^' | b':' | b']')).then_some(name)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_re2() {
        let table = [
            (r"\bfoo\b", "a foo’s", true),
            (r"\bfoo\b", "éfooé", true),
            (r"\bfoo\b", "foobar", false),
            (r"\\bfoo", r"\bfoo", true),
            (r"^\w+$", "naïve", false),
            (r"^\w+$", "naive_1", true),
            (r"^\d+$", "٣", false),
            (r"a\sb", "a\u{a0}b", false),
            (r"a\Sb", "a\u{a0}b", true),
            (r"^[\w-]+$", "a-b", true),
            (r"^[^\w]+$", "é", true),
            (r"^[\W]+$", "é", true),
            (r"^[[]$", "[", true),
            (r"^[a[b]$", "[", true),
            (r"^[]a]+$", "]a", true),
            (r"^[^]a]$", "]", false),
            (r"^[&&~~a]+$", "&~a", true),
            (r"^[[:alpha:]]+$", "abc", true),
            (r"^[[:alpha:]\d]+$", "abc1", true),
            (r"\Qa.b\E.c", "a.bxc", true),
            (r"\Qa.b\E.c", "axbxc", false),
            (r"\Q1+1=2", "1+1=2", true),
            (r"\Q<[(^$|)]>\E", "<[(^$|)]>", true),
            (r"\pL+\p{Greek}", "aβ", true),
            (r"(?P<x>a)(?:b)", "ab", true),
            (r"a$", "a\n", false),
            (r"x\]", "x]", true),
        ];
        for (pattern, text, expected) in table {
            let rust = translate(pattern);
            let found = Regex::new(&rust).unwrap_or_else(|error| panic!("{pattern} -> {rust}: {error}")).is_match(text);
            assert_eq!(found, expected, "{pattern} -> {rust} on {text:?}");
        }
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for pattern in ["(", "[a", "a\\", r"\1", "(?=a)", "*", "[b-a]", r"\p{Nope}", "a{2,1}"] {
            let rust = translate(pattern);
            assert!(Regex::new(&rust).is_err(), "{pattern} -> {rust}");
        }
    }
}
