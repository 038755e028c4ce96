//! Which text format of metrics a scraper would rather read, as its `Accept` headers say.

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' own, 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

/// What can be had, in the words of `Accept`.
struct Offer {
    kind: &'static str,
    subtype: &'static str,
    version: &'static str,
}

const PROMETHEUS: Offer = Offer { kind: "text", subtype: "plain", version: "0.0.4" };
const OPENMETRICS: Offer = Offer { kind: "application", subtype: "openmetrics-text", version: "1.0.0" };

/// How closely a range of types means an offer, the vaguest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Anything,
    Kind,
    Named,
    Versioned,
}

/// One of the types or ranges of types that are accepted.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    /// In thousandths.
    weight: u16,
}

/// Who names OpenMetrics gets it, unless the other one is preferred; for everybody else nothing changed when it came.
pub(crate) fn preferred<'a>(accept: impl Iterator<Item = &'a str>) -> Format {
    let ranges: Vec<Range<'_>> = accept.flat_map(|header| parts(header, ',')).filter_map(Range::parse).collect();
    // The closest range tells the weight.
    let weigh = |offer: &Offer| ranges.iter().filter_map(|range| Some((range.fit(offer)?, range.weight))).max();
    let other = weigh(&PROMETHEUS).map_or(0, |(_, weight)| weight);
    let wanted = |(fit, weight)| weight > other || weight == other && weight > 0 && fit >= Fit::Named;
    if weigh(&OPENMETRICS).is_some_and(wanted) { Format::OpenMetrics } else { Format::Prometheus }
}

impl<'a> Range<'a> {
    /// Nothing for what cannot be understood.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = parts(text, ';');
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Range { kind, subtype, version: None, weight: 1000 };
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.trim(), unquoted(value.trim())?);
            if name.eq_ignore_ascii_case("q") {
                range.weight = thousandths(value)?;
            } else if name.eq_ignore_ascii_case("version") {
                range.version = Some(value);
            }
        }
        Some(range)
    }

    fn fit(&self, offer: &Offer) -> Option<Fit> {
        let means = |word: &str, meant: &str| word.eq_ignore_ascii_case(meant);
        match (self.kind, self.subtype, self.version) {
            ("*", "*", _) => Some(Fit::Anything),
            (kind, _, _) if !means(kind, offer.kind) => None,
            (_, "*", _) => Some(Fit::Kind),
            (_, subtype, _) if !means(subtype, offer.subtype) => None,
            (_, _, None) => Some(Fit::Named),
            (_, _, Some(version)) => (version == offer.version).then_some(Fit::Versioned),
        }
    }
}

/// The trimmed parts of a text between separators that do not stand in quotes.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = move |c| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' => escaped = quoted && !literal,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    };
    text.split(ends).map(str::trim)
}

/// Nothing for a quote without an end.
fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('"').map_or(Some(value), |value| value.strip_suffix('"'))
}

/// A weight from `0` to `1` with three decimals at most.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" => (decimals == 0).then_some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferring(accept: &[&str]) -> Format {
        preferred(accept.iter().copied())
    }

    #[test]
    fn a_prometheus_that_stores_exemplars_gets_openmetrics() {
        for accept in [
            // 3.x
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            // 2.x
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text",
            "application/openmetrics-text, text/plain",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "*/*, application/openmetrics-text",
            "application/*",
            "APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.3 , text/plain ; q=0.25",
            "text/plain;version=1.0.0, application/openmetrics-text;q=0.001",
            "application/openmetrics-text, */*;q=1.000",
        ] {
            assert_eq!(preferring(&[accept]), Format::OpenMetrics, "{accept}");
        }
        assert_eq!(preferring(&["text/plain;q=0.5", "application/openmetrics-text"]), Format::OpenMetrics);
    }

    #[test]
    fn everybody_else_gets_what_there_always_was() {
        for accept in [
            "*/*",
            "text/plain",
            "text/*;q=0.1",
            "application/json",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "text/plain, application/openmetrics-text;q=0.9",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=2.0.0, */*;q=0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.000, */*",
            "application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text",
            "*/openmetrics-text",
        ] {
            assert_eq!(preferring(&[accept]), Format::Prometheus, "{accept}");
        }
        assert_eq!(preferring(&[]), Format::Prometheus);
    }

    #[test]
    fn what_makes_no_sense_is_as_if_it_were_not_there() {
        let long = format!("application/openmetrics-text;{}q=1{}", "a=b;".repeat(20_000), ",".repeat(20_000));
        assert_eq!(preferring(&[&long]), Format::OpenMetrics);
        for weight in
            ["2", "1.001", "-1", "+1", "NaN", "inf", "1e0", "0.1234", "", ".5", "0.\u{661}", "0 1", "99999999999"]
        {
            let accept = format!("application/openmetrics-text;q={weight}");
            assert_eq!(preferring(&[&accept]), Format::Prometheus, "{accept}");
        }
        for accept in [
            "",
            ",,;,",
            "/",
            ";q=1",
            "application/openmetrics-text;version",
            "application/openmetrics-text;a=\"never ends, */*",
            "x/y;a=\"\\\", application/openmetrics-text\"",
            "\"application/openmetrics-text\"",
            "application openmetrics-text",
        ] {
            assert_eq!(preferring(&[accept]), Format::Prometheus, "{accept}");
        }
        assert_eq!(preferring(&["x/y;a=\"\\\", z\", application/openmetrics-text"]), Format::OpenMetrics);
    }
}
