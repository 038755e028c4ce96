//! A report as people and programs read it.

use crate::{Diagnostic, Report, Severity, Source};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// Longer lines are cut around the place, so that a file on one line stays readable.
const MAX_WIDTH: usize = 160;

impl Report {
    /// Each diagnostic with its line and a caret, in the order of the file, and a closing count. Empty when there is nothing to say.
    #[must_use]
    pub fn render(&self, source: &Source) -> String {
        let mut out = String::new();
        for diagnostic in self.sorted() {
            out.push_str(&render_one(diagnostic, source));
            out.push('\n');
        }
        let count = |severity, what: &str| match self.count(severity) {
            0 => None,
            1 => Some(format!("1 {what}")),
            n => Some(format!("{n} {what}s")),
        };
        let counts: Vec<_> =
            [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
        if !counts.is_empty() {
            let _ = writeln!(out, "{}: {}", source.name, counts.join(", "));
        }
        out
    }

    /// An object with `file`, `ok` and `diagnostics`, each with `severity`, `code`, `message`, `help`, `line`, `column`,
    /// `start` and `end` (bytes).
    #[must_use]
    pub fn to_json(&self, source: &Source) -> Json {
        let one = |d: &Diagnostic| {
            json!({
                "severity": d.severity.to_string(),
                "code": d.code.0,
                "message": d.message,
                "help": d.help,
                "line": d.span.map(|s| s.line),
                "column": d.span.map(|s| s.column),
                "start": d.span.map(|s| s.start),
                "end": d.span.map(|s| s.end),
            })
        };
        let diagnostics: Vec<Json> = self.sorted().into_iter().map(one).collect();
        json!({ "file": source.name, "ok": self.is_ok(), "diagnostics": diagnostics })
    }
}

fn render_one(diagnostic: &Diagnostic, source: &Source) -> String {
    let mut out = format!("{}[{}]: {}\n", diagnostic.severity, diagnostic.code, visible(&diagnostic.message));
    let gutter = diagnostic.span.map_or(1, |span| span.line.to_string().len());
    match diagnostic.span {
        None => {
            let _ = writeln!(out, "{:gutter$}--> {}", "", source.name);
        }
        Some(span) => {
            let (line, before, width) = excerpt(&source.text, span.start, span.end);
            let _ = writeln!(out, "{:gutter$}--> {}:{}:{}", "", source.name, span.line, span.column);
            let _ = writeln!(out, "{:gutter$} |", "");
            let _ = writeln!(out, "{} | {}", span.line, line);
            let _ = writeln!(out, "{:gutter$} | {:before$}{}", "", "", "^".repeat(width));
        }
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "{:gutter$} = help: {}", "", visible(help));
    }
    out
}

/// The line around `start`, how many characters of it come before the place, and how many the place has on it.
fn excerpt(text: &str, start: usize, end: usize) -> (String, usize, usize) {
    let start = floor(text, start);
    let end = floor(text, end).max(start);
    let line_start = text.get(..start).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    let line_end = text.get(start..).and_then(|t| t.find('\n')).map_or(text.len(), |i| start + i);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let before: Vec<char> = part(line_start, start).chars().collect();
    let place = part(start, end.min(line_end)).trim_end();
    let width = place.chars().count().clamp(1, MAX_WIDTH);
    // Two thirds of the width for what comes before the place, the rest for what follows.
    let skipped = before.len().saturating_sub(MAX_WIDTH * 2 / 3);
    let after = part(start, line_end).trim_end().chars();
    let line: String = before.iter().skip(skipped).copied().chain(after).take(MAX_WIDTH).collect();
    (visible(&line), before.len() - skipped, width.min(MAX_WIDTH - (before.len() - skipped)))
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

/// Control characters would move the caret or drive a terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Span};

    #[test]
    fn the_caret_stands_under_the_place() {
        let source = Source { name: "router.yaml".to_owned(), text: "a: 1\nключ:\tvalue\r\n".to_owned() };
        let start = source.text.find("value").unwrap();
        let mut report = Report::default();
        let span = Span { start, end: start + 5, line: 2, column: 7 };
        report.push(Diagnostic::error(Code("E0103"), "no such thing").at(span).help("try another".to_owned()));
        report.push(Diagnostic::warning(Code("W0001"), "somewhere"));
        let expected = "warning[W0001]: somewhere\n --> router.yaml\n\nerror[E0103]: no such thing\n --> router.yaml:2:7\n  |\n\
                        2 | ключ: value\n  |       ^^^^^\n  = help: try another\n\nrouter.yaml: 1 error, 1 warning\n";
        assert_eq!(report.render(&source), expected);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}here{}", "x".repeat(5000), "y".repeat(5000));
        let (line, before, width) = excerpt(&text, 5000, 5004);
        assert_eq!(line.chars().count(), MAX_WIDTH);
        assert_eq!(line.chars().skip(before).take(width).collect::<String>(), "here");
    }

    #[test]
    fn a_place_beyond_the_text_is_harmless() {
        assert_eq!(excerpt("é", 1, 900), ("é".to_owned(), 0, 1));
        assert_eq!(excerpt("", 9, 3), (String::new(), 0, 1));
    }

    #[test]
    fn json_has_every_field() {
        let source = Source { name: "f".to_owned(), text: "a".to_owned() };
        let mut report = Report::default();
        report.push(Diagnostic::error(Code("E0001"), "m").at(Span { start: 0, end: 1, line: 1, column: 1 }));
        let expected = json!({"file": "f", "ok": false, "diagnostics": [{"severity": "error", "code": "E0001", "message": "m",
            "help": null, "line": 1, "column": 1, "start": 0, "end": 1}]});
        assert_eq!(report.to_json(&source), expected);
    }
}
