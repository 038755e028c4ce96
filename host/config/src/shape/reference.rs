//! `config/keys.md`, the reference of all keys: made of the table and of what is told about each key.
//!
//! `TRACKSIDE_BLESS=1 cargo test -p trackside-config reference` writes it anew.

use super::{Key, Need, Shape, shape, told};
use std::{fmt::Write as _, path::Path};

const INTRODUCTION: &str = "\
# Keys

Every key of the file, by section. Rules of signals, blocks of algorithms and configurations of plugins belong to components:
their keys are in the README of each component under `plugins/`, and in the [schema](schema/trackside.schema.json). A key that
Trackside does not do yet is a warning of `trackside validate`.
";

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Int(low, high) => range("whole number", low, (*low != i64::MIN, *high < i64::from(i32::MAX)), high),
        Shape::Number(low, high) => range("number", low, (*low > f64::MIN, *high < f64::MAX), high),
        Shape::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Shape::List(inner) if matches!(**inner, Shape::Map(_)) => "list of sections".to_owned(),
        Shape::List(inner) => format!("list of {}", kind(inner)),
        Shape::Map(keys) if keys.known.is_empty() => "mapping of names".to_owned(),
        Shape::Map(_) => "section".to_owned(),
    }
}

fn range<N: std::fmt::Display>(what: &str, low: &N, (from, to): (bool, bool), high: &N) -> String {
    match (from, to) {
        (true, true) => format!("{what} from {low} to {high}"),
        (true, false) => format!("{what} of at least {low}"),
        _ => what.to_owned(),
    }
}

fn rows(keys: &[Key], path: &[&str], shown: &str, out: &mut String) {
    for key in keys {
        let path = [path, &[key.name.as_str()]].concat();
        let list = if matches!(key.shape, Shape::List(_)) { "[]" } else { "" };
        let shown = if shown.is_empty() { key.name.clone() } else { format!("{shown}.{}", key.name) };
        let need = if key.need == Need::Required { ", required" } else { "" };
        let text = told(&path).unwrap_or_default();
        let _ = writeln!(out, "| `{shown}` | {}{need} | {text} |", kind(&key.shape));
        // The routing of a recipe has the keys of the file's.
        let inner = key.shape.item().unwrap_or(&key.shape);
        if let (Shape::Map(inner), false) = (inner, path == ["file", "recipes", "routing"]) {
            rows(&inner.known, &path, &format!("{shown}{list}"), out);
        }
    }
}

fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    let Shape::Map(file) = shape(&["file"]) else { return out };
    for section in &file.known {
        let _ = writeln!(out, "\n## {}\n\n| Key | Value | |\n|---|---|---|", section.name);
        rows(std::slice::from_ref(section), &["file"], "", &mut out);
    }
    out
}

#[test]
fn the_reference_of_keys_is_the_one_in_the_repository() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/keys.md");
    let made = reference();
    if std::env::var_os("TRACKSIDE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == made, "config/keys.md is out of date: run this test with TRACKSIDE_BLESS=1");
}
