//! Prometheus' text exposition format, version 0.0.4.

use std::fmt::{Display, Write};

/// The text as it grows.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// Whose value a line shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) name: &'a str,
    /// Behind the name, such as `_sum`.
    pub(crate) suffix: &'a str,
    pub(crate) labels: &'a [&'static str],
    pub(crate) values: &'a [Box<str>],
}

impl Text {
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    pub(crate) fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    pub(crate) fn sample(&mut self, sample: Sample<'_>, value: impl Display) {
        self.name(sample);
        self.labels(sample, None);
        self.write(format_args!(" {value}\n"));
    }

    pub(crate) fn bucket(&mut self, sample: Sample<'_>, bound: f64, count: u64) {
        self.name(Sample { suffix: "_bucket", ..sample });
        self.labels(sample, Some(bound));
        self.write(format_args!(" {count}\n"));
    }

    fn name(&mut self, sample: Sample<'_>) {
        self.0.push_str(sample.name);
        self.0.push_str(sample.suffix);
    }

    fn labels(&mut self, sample: Sample<'_>, bound: Option<f64>) {
        let mut separator = '{';
        for (label, value) in sample.labels.iter().zip(sample.values) {
            self.write(format_args!("{separator}{label}=\""));
            self.escape(value);
            self.0.push('"');
            separator = ',';
        }
        match bound {
            Some(bound) if bound.is_infinite() => self.write(format_args!("{separator}le=\"+Inf\"}}")),
            Some(bound) => self.write(format_args!("{separator}le=\"{bound}\"}}")),
            None if separator == ',' => self.0.push('}'),
            None => {}
        }
    }

    fn escape(&mut self, value: &str) {
        for letter in value.chars() {
            match letter {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                other => self.0.push(other),
            }
        }
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.0.write_fmt(arguments);
    }
}
