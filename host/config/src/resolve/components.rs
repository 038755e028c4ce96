//! The `components` block: which component serves a type, and what it may do.

use super::unique;
use crate::{
    Code, ComponentUse, Components, Diagnostic, OnFailure, Report, codes,
    shape::{Shape, to_object},
    view::View,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Units of memory, the longest suffix first.
const BYTES: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// Units of time in nanoseconds, the longest suffix first.
const NANOSECONDS: &[(&str, u64)] =
    &[("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];

pub(super) fn components(root: &View<'_>, base_dir: &Path, report: &mut Report) -> Components {
    let Some(view) = root.get("components") else { return Components::default() };
    let directory = view.text("directory").map(|d| base_dir.join(d));
    let uses = unique(view.list("use"), "type", report);
    Components {
        directory,
        uses: uses.into_iter().map(|(serves, view)| component(serves, &view, base_dir, report)).collect(),
    }
}

fn component(serves: String, view: &View<'_>, base_dir: &Path, report: &mut Report) -> ComponentUse {
    let limits = view.get("limits");
    let limit = |key: &str| limits.as_ref().and_then(|l| l.get(key));
    ComponentUse {
        source: read(
            view.get("source"),
            codes::MALFORMED,
            "a file; components in registries are not fetched yet",
            report,
            |s| file(s, base_dir),
        ),
        artefact: read(view.get("artefact"), codes::MALFORMED, "a file", report, |s| file(s, base_dir)),
        digest: read(view.get("digest"), codes::MALFORMED, "sha256: and 64 hex digits", report, digest),
        configuration: to_object(view.get("configuration").map(|c| c.node), &Shape::Any),
        grants: view.texts("grants"),
        memory_bytes: read(limit("memory"), codes::MALFORMED, "a size such as 64MiB", report, |s| quantity(s, BYTES)),
        deadline: read(limit("deadline"), codes::MALFORMED, "a duration such as 20ms", report, duration),
        on_failure: read(
            view.get("on_failure"),
            codes::UNKNOWN_WORD,
            "open, closed or fallback:TYPE with another type",
            report,
            |s| on_failure(s, &serves),
        ),
        place: view.place.clone(),
        serves,
    }
}

/// Reads one value; what does not read is an error that says what was expected.
fn read<T>(
    view: Option<View<'_>>,
    code: Code,
    expected: &str,
    report: &mut Report,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let view = view?;
    let text = view.node.as_text()?;
    let value = parse(text);
    if value.is_none() {
        let message = format!("{} takes {expected}, not {:?}", view.place, crate::suggest::shorten(text));
        report.push(Diagnostic::error(code, message).at(view.span()));
    }
    value
}

fn file(text: &str, base_dir: &Path) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains("://")).then(|| base_dir.join(text))
}

fn digest(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn duration(text: &str) -> Option<Duration> {
    quantity(text, NANOSECONDS).map(Duration::from_nanos)
}

/// A whole number above zero with a unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|n| *n > 0)
}

fn on_failure(text: &str, serves: &str) -> Option<OnFailure> {
    match text {
        "open" => Some(OnFailure::Open),
        "closed" => Some(OnFailure::Closed),
        _ => {
            let other = text.strip_prefix("fallback:")?.trim();
            (!other.is_empty() && other != serves).then(|| OnFailure::Fallback(other.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        let bytes = |text| quantity(text, BYTES);
        assert_eq!(bytes("64MiB"), Some(64 << 20));
        assert_eq!(bytes("1 GB"), Some(1_000_000_000));
        assert_eq!(bytes("512B"), Some(512));
        for wrong in
            ["", "64", "0MiB", "MiB", "-1MiB", "1.5GiB", "64mib", "99999999999999999999GiB", "18446744073709551615KiB"]
        {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        assert_eq!(duration("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(duration("250µs"), Some(Duration::from_micros(250)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(duration("5 fortnights"), None);
    }

    #[test]
    fn a_failure_policy_falls_back_to_another_type() {
        assert_eq!(on_failure("open", "x"), Some(OnFailure::Open));
        assert_eq!(on_failure("closed", "x"), Some(OnFailure::Closed));
        assert_eq!(on_failure("fallback:static", "x"), Some(OnFailure::Fallback("static".to_owned())));
        for wrong in ["fallback:", "fallback:x", "fallback", "Open", ""] {
            assert_eq!(on_failure(wrong, "x"), None, "{wrong}");
        }
    }

    #[test]
    fn a_digest_is_sha256() {
        let hex = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
        assert_eq!(digest(&format!("sha256:{hex}")), Some(format!("sha256:{}", hex.to_lowercase())));
        for wrong in
            [hex.to_owned(), format!("sha256:{}", &hex[1..]), format!("sha512:{hex}"), format!("sha256:{}z", &hex[1..])]
        {
            assert_eq!(digest(&wrong), None, "{wrong}");
        }
    }
}
