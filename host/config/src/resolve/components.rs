//! The `components` block: which component serves a type, and what it may do.

use super::unique;
use crate::{
    Candidate, Code, ComponentUse, Components, Diagnostic, OnFailure, Report, codes, parse_bytes, parse_duration,
    shape::{Shape, to_object},
    view::View,
};
use std::path::{Path, PathBuf};

/// What a source may be.
const SOURCE: &str = "a file; components in registries are not fetched yet";
/// What a digest looks like.
const DIGEST: &str = "sha256: and 64 hex digits";

pub(super) fn components(root: &View<'_>, base_dir: &Path, report: &mut Report) -> Components {
    let Some(view) = root.get("components") else { return Components::default() };
    let directory = view.text("directory").map(|d| base_dir.join(d));
    let uses = unique(view.list("use"), "type", report);
    let candidates = unique(view.list("shadow"), "type", report);
    Components {
        directory,
        uses: uses.into_iter().map(|(serves, view)| component(serves, &view, base_dir, report)).collect(),
        candidates: candidates.into_iter().filter_map(|(s, view)| candidate(s, &view, base_dir, report)).collect(),
    }
}

fn candidate(serves: String, view: &View<'_>, base_dir: &Path, report: &mut Report) -> Option<Candidate> {
    Some(Candidate {
        serves,
        digest: read(view.get("digest"), codes::MALFORMED, DIGEST, report, digest),
        source: read(view.get("source"), codes::MALFORMED, SOURCE, report, |s| file(s, base_dir))?,
        grants: view.get("grants").map(|_| view.texts("grants")),
        percent: view.number("percent").unwrap_or(100.0),
        canary: view.number("canary").unwrap_or(0.0),
        place: view.place.clone(),
    })
}

fn component(serves: String, view: &View<'_>, base_dir: &Path, report: &mut Report) -> ComponentUse {
    let limits = view.get("limits");
    let limit = |key: &str| limits.as_ref().and_then(|l| l.get(key));
    ComponentUse {
        source: read(view.get("source"), codes::MALFORMED, SOURCE, report, |s| file(s, base_dir)),
        artefact: read(view.get("artefact"), codes::MALFORMED, "a file", report, |s| file(s, base_dir)),
        digest: read(view.get("digest"), codes::MALFORMED, DIGEST, report, digest),
        configuration: to_object(view.get("configuration").map(|c| c.node), &Shape::Any),
        grants: view.texts("grants"),
        memory_bytes: read(limit("memory"), codes::MALFORMED, "a size such as 64MiB", report, parse_bytes),
        deadline: read(limit("deadline"), codes::MALFORMED, "a duration such as 20ms", report, parse_duration),
        output_bytes: read(limit("output"), codes::MALFORMED, "a size such as 1MiB", report, parse_bytes),
        table_elements: limits.as_ref().and_then(|l| l.int("table_elements")),
        instances: limits.as_ref().and_then(|l| l.int("instances")),
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
