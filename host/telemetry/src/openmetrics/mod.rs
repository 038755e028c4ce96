//! Metrics in the text format of OpenMetrics 1.0, which can tell exemplars.

use crate::exemplar::{Exemplar, Taken};
use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Write as _};
use std::time::UNIX_EPOCH;

/// What the names of counters' samples end in. Their families are named without it.
const TOTAL: &str = "_total";

/// Writes families, whose names differ, with the exemplars of those that have some.
pub(crate) fn encode(families: &[MetricFamily], exemplars: &HashMap<&str, Taken<'_>>) -> String {
    let names: HashSet<&str> = families.iter().map(MetricFamily::name).collect();
    let mut page = String::new();
    for family in families {
        let exemplars = exemplars.get(family.name());
        // To write into a string never fails.
        let _ = write!(page, "{}", Family { family, names: &names, exemplars });
    }
    page + "# EOF\n"
}

struct Family<'a> {
    family: &'a MetricFamily,
    /// Those of all families.
    names: &'a HashSet<&'a str>,
    exemplars: Option<&'a Taken<'a>>,
}

impl Family<'_> {
    /// The name and the type that it goes by. Where another family has the name that a counter would get, it stays
    /// without a type, since names of families and of series have to be unique: dashboards look for the series.
    fn declared(&self) -> (&str, &'static str) {
        let name = self.family.name();
        match self.family.get_field_type() {
            MetricType::COUNTER => match name.strip_suffix(TOTAL) {
                Some(short) if !self.names.contains(short) => (short, "counter"),
                _ => (name, "unknown"),
            },
            MetricType::GAUGE => (name, "gauge"),
            MetricType::HISTOGRAM => (name, "histogram"),
            MetricType::SUMMARY | MetricType::UNTYPED => (name, "unknown"),
        }
    }

    fn samples(&self, series: &Metric, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, labels) = (self.family.name(), Labels(series.get_label(), None));
        match self.family.get_field_type() {
            MetricType::COUNTER => writeln!(f, "{name}{labels} {}", Number(series.get_counter().get_value())),
            MetricType::GAUGE => writeln!(f, "{name}{labels} {}", Number(series.get_gauge().get_value())),
            MetricType::HISTOGRAM => self.histogram(series, series.get_histogram(), f),
            // None is ever declared.
            MetricType::SUMMARY | MetricType::UNTYPED => Ok(()),
        }
    }

    fn histogram(&self, series: &Metric, histogram: &Histogram, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, labels) = (self.family.name(), series.get_label());
        let all = histogram.get_sample_count();
        // The library leaves the last bucket, which everything falls into, to whoever writes.
        let bounded = histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        let mut exemplars = self.exemplars.map(|taken| taken.of(series)).unwrap_or_default().iter();
        for (bound, count) in bounded.chain([(f64::INFINITY, all)]) {
            write!(f, "{name}_bucket{} {count}", Labels(labels, Some(bound)))?;
            match exemplars.next() {
                Some(Some(exemplar)) => writeln!(f, " # {exemplar}")?,
                _ => writeln!(f)?,
            }
        }
        let labels = Labels(labels, None);
        writeln!(f, "{name}_sum{labels} {}", Number(histogram.get_sample_sum()))?;
        writeln!(f, "{name}_count{labels} {all}")
    }
}

impl Display for Family<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, kind) = self.declared();
        writeln!(f, "# TYPE {name} {kind}")?;
        writeln!(f, "# HELP {name} {}", Escaped(self.family.help()))?;
        self.family.get_metric().iter().try_for_each(|series| self.samples(series, f))
    }
}

/// Labels in braces, the upper bound of a bucket behind the others; nothing where there are none.
struct Labels<'a>(&'a [LabelPair], Option<f64>);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Labels(labels, bound) = self;
        let mut before = "{";
        for label in *labels {
            write!(f, "{before}{}=\"{}\"", label.name(), Escaped(label.value()))?;
            before = ",";
        }
        match bound {
            // A whole one is written as the float that it is.
            Some(bound) if bound.is_finite() && bound.fract() == 0.0 => write!(f, "{before}le=\"{bound}.0\"}}"),
            Some(bound) => write!(f, "{before}le=\"{}\"}}", Number(*bound)),
            None if labels.is_empty() => Ok(()),
            None => f.write_str("}"),
        }
    }
}

struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            c => f.write_char(c),
        })
    }
}

/// Names and values of its labels have 63 characters; 128 are allowed.
impl Display for Exemplar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace.trace), u64::from_be_bytes(self.trace.span));
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        write!(f, "{{trace_id=\"{trace:032x}\",span_id=\"{span:016x}\"}} {} ", Number(self.value))?;
        write!(f, "{}.{:03}", at.as_secs(), at.subsec_millis())
    }
}

#[cfg(test)]
mod tests;
