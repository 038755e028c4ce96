//! Diagnostics as values: parsing, resolving and validating push them, one renderer prints them.

use std::fmt;

/// How bad it is. Only errors keep a configuration from being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be served.
    Error,
    /// It can be served, but something in it has no effect, or another one than written.
    Warning,
}

/// A stable code such as `E0103` or `W0210`; `config/diagnostics.md` explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub &'static str);

/// A stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset behind the last byte.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
}

/// One thing to tell the user.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of thing.
    pub code: Code,
    /// Where, when it has a place.
    pub span: Option<Span>,
    /// What: lower case, names the thing and says what was expected.
    pub message: String,
    /// The next step, such as a suggestion.
    pub help: Option<String>,
}

/// Everything that was found, in the order of the file once rendered.
#[derive(Clone, Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    unknown_keys: UnknownKeys,
}

/// What is thought of keys that nobody reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum UnknownKeys {
    /// As in v0.3, they are warnings.
    #[default]
    Tolerated,
    Refused,
}

/// The codes of unknown keys: of the file, and of a component's settings.
const UNKNOWN_KEYS: [&str; 2] = ["W0101", "W0401"];

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Diagnostic {
    /// An error without a place.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, span: None, message: message.into(), help: None }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Gives it a place.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// Says what to do next; `None` says nothing.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

impl Report {
    /// Makes errors of all warnings about unknown keys, those that are here and those to come.
    pub fn refuse_unknown_keys(&mut self) {
        self.unknown_keys = UnknownKeys::Refused;
        let diagnostics = std::mem::take(&mut self.diagnostics);
        self.extend(diagnostics);
    }

    /// Adds one diagnostic.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if self.unknown_keys == UnknownKeys::Refused && UNKNOWN_KEYS.contains(&diagnostic.code.0) {
            diagnostic.severity = Severity::Error;
        }
        self.diagnostics.push(diagnostic);
    }

    /// Whether nothing in it keeps the configuration from being served.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.diagnostics.iter().all(|d| d.severity != Severity::Error)
    }

    /// Adds several diagnostics.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// The diagnostics, in the order they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// The diagnostics in the order of the file; those without a place come first.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_by_key(|d| (d.span.map(|s| s.start), d.severity, d.code.0));
        sorted
    }

    /// How many diagnostics of one severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|d| d.severity == severity).count()
    }
}
