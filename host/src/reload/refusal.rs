//! The one report of an attempt that changed nothing.

use super::Cause;
use crate::assemble::Flaw;
use serde::Serialize;
use std::fmt::Write as _;
use trackside_config::{Code, Diagnostic, Report, Severity, Source};
use trackside_telemetry::log::timestamp;

/// Most problems that are kept of one attempt.
const MOST_PROBLEMS: usize = 100;
/// Most bytes that are kept of a report for people.
const MOST_RENDERED: usize = 32 << 10;

/// Why an attempt was refused, and what still serves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    /// When, as in the log.
    pub(crate) time: String,
    pub(crate) cause: Cause,
    pub(crate) why: Why,
    /// Errors, then warnings, each in the order of the file, as many as fit.
    pub(crate) problems: Vec<Problem>,
    /// The generation that goes on; 0 at start.
    pub(crate) serving: u64,
    /// The same for people, each with its line of the file.
    pub(crate) rendered: String,
}

/// At which step it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// What was asked for cannot be done: there is no such candidate, place or file.
    Impossible,
    /// What was to be replaced has been replaced by something else meanwhile.
    Overtaken,
    /// The configuration, or something that it names, is wrong.
    Invalid,
    /// A component did not do what it should when it was tried.
    Probe,
    /// It cannot be written where it should stay.
    NotPersisted,
}

impl From<Flaw> for Why {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Invalid => Self::Invalid,
            Flaw::Failing => Self::Probe,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// `error` or `warning`.
    pub(crate) severity: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The configuration file as the user named it.
    pub(crate) file: String,
    /// From 1, like the column; nothing when it has no place in the file.
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    pub(crate) help: Option<String>,
}

/// An attempt that came to its end early.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) why: Why,
    pub(super) report: Report,
    pub(super) source: Source,
}

impl Fault {
    /// One error that has no place in the text.
    pub(super) fn new(why: Why, code: Code, message: String, help: Option<&str>, file: &str) -> Self {
        let mut report = Report::default();
        report.push(Diagnostic::error(code, message).help(help.map(str::to_owned)));
        Self { why, report, source: Source { name: file.to_owned(), text: String::new() } }
    }

    pub(super) fn refusal(self, cause: Cause, serving: u64) -> Refusal {
        let Self { why, report, source } = self;
        let mut rendered = report.render(&source);
        if rendered.len() > MOST_RENDERED {
            rendered.truncate(rendered.floor_char_boundary(MOST_RENDERED));
            rendered.push_str("...\n");
        }
        if serving > 0 {
            // Writing to a `String` cannot fail.
            let _ = writeln!(rendered, "still serving generation {serving}");
        }
        Refusal { time: timestamp(), cause, why, problems: Problem::all(&report, &source), serving, rendered }
    }
}

impl Problem {
    /// As many as are kept; errors first, so that none is left out for a warning.
    pub(super) fn all(report: &Report, source: &Source) -> Vec<Self> {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            report.sorted().into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        let told = errors.into_iter().chain(warnings).take(MOST_PROBLEMS);
        told.map(|diagnostic| Self::new(diagnostic, &source.name)).collect()
    }

    fn new(diagnostic: &Diagnostic, file: &str) -> Self {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Self {
            severity,
            code: diagnostic.code.0,
            message: diagnostic.message.clone(),
            file: file.to_owned(),
            line: diagnostic.span.map(|span| span.line),
            column: diagnostic.span.map(|span| span.column),
            help: diagnostic.help.clone(),
        }
    }

    /// On one line, for the log.
    fn line(&self) -> String {
        let Self { code, message, file, .. } = self;
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{code} {file}:{line}:{column}: {message}"),
            _ => format!("{code} {file}: {message}"),
        }
    }
}

impl Refusal {
    /// One event of the log.
    pub(super) fn tell(&self) {
        let errors = self.problems.iter().filter(|problem| problem.severity == "error");
        let lines: Vec<String> = errors.map(Problem::line).collect();
        tracing::error!(
            event = "reload_refused",
            cause = self.cause.as_str(),
            serving = self.serving,
            problems = lines.len(),
            "{}",
            lines.join("; ")
        );
    }
}
