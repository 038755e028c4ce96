//! `${VAR}` in the file: where values come from and how they are put in.

use crate::{
    Diagnostic, Report, Span, codes,
    yaml::{Node, Value},
};
use std::collections::{BTreeMap, HashSet};

/// Where `${VAR}` in the file gets its values.
pub trait Environment {
    /// The value of a variable, if it is set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "the one place where the process environment is read")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }
}

/// Most bytes that values may add to the file, so that a long value used often cannot exhaust memory.
const MAX_EXPANDED: usize = 16 << 20;

/// Replaces variables in every scalar below `node`. One warning for each unset name outside credentials.
pub(crate) fn substitute(node: &mut Node, environment: &dyn Environment, report: &mut Report) {
    let mut pass = Pass { environment, report, warned: HashSet::new(), left: MAX_EXPANDED };
    pass.walk(node, Field::Ordinary);
}

/// Whether an unset variable is worth a warning: keys are often left out on purpose, for backends that need none.
#[derive(Clone, Copy)]
enum Field {
    Ordinary,
    Credential,
}

impl Field {
    fn of(key: &str) -> Self {
        let credential = key.starts_with("api_key") || key == "access_key" || key.ends_with("password");
        if credential { Field::Credential } else { Field::Ordinary }
    }
}

struct Pass<'p> {
    environment: &'p dyn Environment,
    report: &'p mut Report,
    warned: HashSet<String>,
    left: usize,
}

impl Pass<'_> {
    fn walk(&mut self, node: &mut Node, field: Field) {
        match &mut node.value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.walk(item, field)),
            Value::Mapping(entries) => {
                for entry in entries {
                    self.walk(&mut entry.value, Field::of(&entry.key));
                }
            }
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                scalar.text = self.expand(&scalar.text, node.span, field);
            }
            Value::Scalar(_) => {}
        }
    }

    fn expand(&mut self, text: &str, span: Span, field: Field) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (reference, behind) = Reference::parse(after);
            rest = behind;
            match reference {
                Reference::Literal => out.push('$'),
                Reference::Variable { name, fallback } => match (self.environment.get(name), fallback) {
                    (Some(value), Fallback::WhenEmpty(default)) if value.is_empty() => out.push_str(default),
                    (Some(value), _) if self.spend(value.len(), span) => out.push_str(&value),
                    (Some(_), _) => {}
                    (None, Fallback::WhenEmpty(default) | Fallback::WhenUnset(default)) => out.push_str(default),
                    (None, Fallback::None) => self.warn(name, span, field),
                },
            }
        }
        out.push_str(rest);
        out
    }

    /// Takes from the budget; the first overdraft is an error.
    fn spend(&mut self, bytes: usize, span: Span) -> bool {
        let enough = bytes <= self.left;
        if !enough && self.left > 0 {
            let message = "environment variables make the file grow by more than 16 MiB".to_owned();
            self.report.push(Diagnostic::error(codes::TOO_MANY_NODES, message).at(span));
        }
        self.left = if enough { self.left - bytes } else { 0 };
        enough
    }

    fn warn(&mut self, name: &str, span: Span, field: Field) {
        if matches!(field, Field::Ordinary) && self.warned.insert(name.to_owned()) {
            let message = format!("environment variable {name:?} is not set: nothing takes its place");
            let help =
                format!("set it, give a default as in ${{{name}:-default}}, or write $${name} for the text itself");
            self.report.push(Diagnostic::warning(codes::UNSET_VARIABLE, message).at(span).help(help));
        }
    }
}

/// What follows a dollar sign.
enum Reference<'t> {
    Literal,
    Variable { name: &'t str, fallback: Fallback<'t> },
}

enum Fallback<'t> {
    None,
    WhenEmpty(&'t str),
    WhenUnset(&'t str),
}

impl<'t> Reference<'t> {
    /// Reads the reference at the start of `after`, the text behind a dollar sign; also returns what follows it.
    fn parse(after: &'t str) -> (Self, &'t str) {
        if let Some(behind) = after.strip_prefix('$') {
            return (Reference::Literal, behind);
        }
        if let Some((inside, behind)) = after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            let (name, suffix) = split_name(inside);
            let fallback = match (suffix.strip_prefix(":-"), suffix.strip_prefix('-')) {
                (Some(default), _) => Some(Fallback::WhenEmpty(default)),
                (None, Some(default)) => Some(Fallback::WhenUnset(default)),
                (None, None) => suffix.is_empty().then_some(Fallback::None),
            };
            if let (false, Some(fallback)) = (name.is_empty(), fallback) {
                return (Reference::Variable { name, fallback }, behind);
            }
        }
        match split_name(after) {
            ("", _) => (Reference::Literal, after),
            (name, behind) => (Reference::Variable { name, fallback: Fallback::None }, behind),
        }
    }
}

/// Splits a variable's name (letters, digits and underscores; no digit first) off the start.
fn split_name(text: &str) -> (&str, &str) {
    let is_name = |(i, c): &(usize, char)| *c == '_' || c.is_ascii_alphabetic() || (*i > 0 && c.is_ascii_digit());
    let length = text.char_indices().take_while(is_name).count();
    text.split_at_checked(length).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> (String, usize) {
        let environment = BTreeMap::from([("SET".to_owned(), "v".to_owned()), ("EMPTY".to_owned(), String::new())]);
        let mut report = Report::default();
        let mut node = crate::yaml::read(&format!("key: '{}'", text.replace('\'', "''")), &mut report).unwrap();
        substitute(&mut node, &environment, &mut report);
        (node.get("key").unwrap().as_text().unwrap().to_owned(), report.iter().count())
    }

    #[test]
    fn each_form_is_expanded() {
        for (text, expected) in [
            ("${SET}", "v"),
            ("a$SET.b", "av.b"),
            ("${SET:-x}${SET-x}", "vv"),
            ("${UNSET:-x}${UNSET-y}", "xy"),
            ("${EMPTY:-x}[${EMPTY-y}]", "x[]"),
            ("${UNSET:-}", ""),
            ("${UNSET:-${}", "${"),
            ("$$SET", "$SET"),
            ("^a$|b$)$", "^a$|b$)$"),
            ("$1 ${ $", "$1 ${ $"),
            ("${a.b}", "${a.b}"),
            ("cost: 5$", "cost: 5$"),
        ] {
            assert_eq!(expand(text), (expected.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn an_unset_name_is_replaced_with_nothing_and_told_once() {
        assert_eq!(expand("<${UNSET}>$UNSET"), ("<>".to_owned(), 1));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        let environment = BTreeMap::from([("A".to_owned(), "${A}$A".to_owned())]);
        let mut report = Report::default();
        let mut node = crate::yaml::read("key: ${A}", &mut report).unwrap();
        substitute(&mut node, &environment, &mut report);
        assert_eq!(node.get("key").unwrap().as_text(), Some("${A}$A"));
    }

    #[test]
    fn an_unset_credential_is_silent() {
        let mut report = Report::default();
        let text = "{api_key: $U, api_key_env: $U, access_key: $U, redis_password: $U}";
        let mut node = crate::yaml::read(text, &mut report).unwrap();
        substitute(&mut node, &BTreeMap::new(), &mut report);
        assert_eq!(report.iter().count(), 0);
    }
}
