//! Compares the file with its shape: unknown keys, missing keys, wrong types, numbers out of range.

use super::{Keys, Need, Shape, replacement};
use crate::{Diagnostic, Report, codes, suggest, view::View, yaml::Value};
use std::fmt::Display;

/// What is said about a value that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Everything.
    All,
    /// Only unknown keys: a component checks the rest against its own schema.
    KeysOnly,
}

pub(crate) fn check(view: &View<'_>, shape: &Shape, strictness: Strictness, report: &mut Report) {
    if view.node.is_null() {
        return;
    }
    match shape {
        Shape::Any => {}
        Shape::List(inner) if !view.node.items().is_empty() => {
            view.items().for_each(|item| check(&item, inner, strictness, report));
        }
        Shape::Map(keys) if !view.node.entries().is_empty() => check_keys(view, keys, strictness, report),
        _ if strictness == Strictness::All => report.extend(misfit(view, shape)),
        _ => {}
    }
}

fn check_keys(view: &View<'_>, keys: &Keys, strictness: Strictness, report: &mut Report) {
    for (name, value) in view.entries() {
        match (keys.known.iter().find(|k| k.name == name), &keys.rest) {
            (Some(key), _) => check(&value, &key.shape, strictness, report),
            (None, Some(rest)) => check(&value, rest, strictness, report),
            (None, None) => report.push(unknown_key(name, &value, keys)),
        }
    }
    let required = keys.known.iter().filter(|k| k.need == Need::Required && strictness == Strictness::All);
    for key in required.filter(|k| view.get(&k.name).is_none()) {
        report.push(missing(view, &key.name));
    }
}

/// The error for a key that has to be there.
pub(crate) fn missing(view: &View<'_>, key: &str) -> Diagnostic {
    Diagnostic::error(codes::MISSING_KEY, format!("{view} has no {key}")).at(view.head)
}

fn unknown_key(name: &str, value: &View<'_>, keys: &Keys) -> Diagnostic {
    if let Some(help) = replacement(&value.place) {
        return Diagnostic::error(codes::REMOVED_KEY, format!("v0.3 no longer has {}", value.place))
            .at(value.head)
            .help(help.to_owned());
    }
    let help = suggest::did_you_mean(name, keys.known.iter().map(|k| k.name.as_str()));
    let message = format!("v0.3 does not have {}: it has no effect", value.place);
    Diagnostic::warning(codes::UNKNOWN_KEY, message).at(value.head).help(help)
}

fn misfit(view: &View<'_>, shape: &Shape) -> Option<Diagnostic> {
    let node = view.node;
    let (fits, expected) = match shape {
        Shape::Int(low, high) => return outside(view, node.as_int(), (*low, *high, i64::MAX), "a whole number"),
        Shape::Number(low, high) => return outside(view, node.as_number(), (*low, *high, f64::MAX), "a number"),
        Shape::Words(words) if node.scalar().is_some() => return unknown_word(view, words),
        Shape::Any => (true, ""),
        Shape::Text => (node.scalar().is_some(), "text"),
        Shape::Words(_) => (false, "a word"),
        Shape::Bool => (node.as_bool().is_some(), "true or false"),
        Shape::List(_) => (matches!(node.value, Value::Sequence(_)), "a list"),
        Shape::Map(_) => (matches!(node.value, Value::Mapping(_)), "a mapping"),
    };
    (!fits).then(|| wrong_type(view, expected))
}

fn wrong_type(view: &View<'_>, expected: &str) -> Diagnostic {
    let message = format!("{} takes {expected}, not {}", view.place, view.node.kind());
    Diagnostic::error(codes::WRONG_TYPE, message).at(view.span())
}

/// The bounds are the lowest and the highest number allowed, and the highest there is.
fn outside<N: PartialOrd + Display>(
    view: &View<'_>,
    number: Option<N>,
    bounds: (N, N, N),
    kind: &str,
) -> Option<Diagnostic> {
    let Some(number) = number else { return Some(wrong_type(view, kind)) };
    let (low, high, most) = bounds;
    if number >= low && number <= high {
        return None;
    }
    let range = if high < most { format!("from {low} to {high}") } else { format!("of at least {low}") };
    let message = format!("{} takes a number {range}, not {number}", view.place);
    Some(Diagnostic::error(codes::OUT_OF_RANGE, message).at(view.span()))
}

fn unknown_word(view: &View<'_>, words: &[String]) -> Option<Diagnostic> {
    let text = view.node.as_text().filter(|text| !words.iter().any(|w| w == text))?;
    let words = || words.iter().map(String::as_str);
    let message = format!("{} takes one of {}, not {}", view.place, suggest::list(words()), view.node.kind());
    Some(Diagnostic::error(codes::UNKNOWN_WORD, message).at(view.span()).help(suggest::did_you_mean(text, words())))
}
