//! Headers that we write, checked before a gateway sees them: a gateway fails the whole request over a bad one.

use crate::exchange::Headers;

/// The request header that names the chosen model or adapter, for routes that match on it. A client could write it too.
pub const SELECTED_MODEL: &str = "x-selected-model";
/// Headers whose names begin so tell what was decided: only the router writes them.
pub const OURS: &str = "x-vsr-";
/// Most headers that the plugins of one request may set.
pub(crate) const MAX_HEADERS: usize = 50;
/// Longest header value, bytes. Gateways refuse requests whose headers exceed about 60 KiB in all.
const MAX_VALUE: usize = 8 * 1024;
/// Longest that the headers which the plugins of one request set may be together, bytes of names and values. The client's
/// own need room too.
const MAX_TOTAL: usize = 24 * 1024;
/// The request header by which a client asks for what is otherwise not told.
const DEBUG: &str = "x-vsr-debug";
/// The header, of the request and of the response, that tells which snapshot decided.
pub(crate) const GENERATION: &str = "x-vsr-generation";
/// The response header that tells what went wrong on the way.
const DEGRADED: &str = "x-vsr-degraded";
/// Longest value of that header, bytes.
const MAX_DEGRADED: usize = 1024;
/// Headers that belong to the gateway or to the router itself.
const RESERVED: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", SELECTED_MODEL];

/// The lower-case name, if a plugin may set or remove this header.
pub(crate) fn name(name: &str) -> Option<String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let lower = name.to_ascii_lowercase();
    let valid = !lower.is_empty() && lower.len() <= 256 && lower.bytes().all(token);
    let free = !RESERVED.contains(&lower.as_str()) && !lower.starts_with("x-envoy-") && !lower.starts_with(OURS);
    (valid && free).then_some(lower)
}

/// Whether a header may have this value.
pub(crate) fn value(value: &str) -> bool {
    value.len() <= MAX_VALUE && value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
}

/// Whether headers with these names and values may all be set.
pub(crate) fn fit<'a>(mut all: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    let add = |sum: usize, (name, value): (&str, &str)| {
        Some(sum.saturating_add(name.len()).saturating_add(value.len())).filter(|sum| *sum <= MAX_TOTAL)
    };
    all.try_fold(0, add).is_some()
}

/// A header that tells something.
pub(crate) type Told = (String, String);

/// What a client is told that asks to be told how its request was dealt with; nothing to others.
pub(crate) fn told(request: &Headers, generation: u64, went_wrong: &[String]) -> Vec<Told> {
    if !request.get(DEBUG).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Vec::new();
    }
    [(GENERATION.to_owned(), generation.to_string())].into_iter().chain(degraded(went_wrong)).collect()
}

/// Tells what went wrong and was tolerated, if anything.
fn degraded(what: &[String]) -> Option<Told> {
    let mut value = header_value(&what.join(", "));
    if value.len() > MAX_DEGRADED {
        value.truncate(value.floor_char_boundary(MAX_DEGRADED));
    }
    (!value.is_empty()).then(|| (DEGRADED.to_owned(), value))
}

/// A name from the configuration as a header value: control characters, which no gateway takes, become `_`.
pub(crate) fn header_value(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowered_and_reserved_ones_refused() {
        assert_eq!(name("X-Tenant").as_deref(), Some("x-tenant"));
        for refused in ["", ":path", "a b", "x-envoy-retry-on", "Host", "content-length", "x-selected-model", "n\r\n"] {
            assert_eq!(name(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn all_together_stay_below_what_gateways_take() {
        let value = "v".repeat(MAX_VALUE);
        assert!(fit([("a", &*value), ("b", &value)].into_iter()));
        assert!(!fit([("a", &*value), ("b", &value), ("c", &value)].into_iter()));
    }

    #[test]
    fn the_generation_is_told_to_those_who_ask() {
        let asking = |value: &'static str| {
            let mut headers = Headers::default();
            headers.push("X-VSR-Debug", value.into());
            headers
        };
        assert_eq!(told(&Headers::default(), 7, &["x: trap".to_owned()]), []);
        assert_eq!(told(&asking("1"), 7, &[]), []);
        let generation = ("x-vsr-generation".to_owned(), "7".to_owned());
        assert_eq!(told(&asking("True"), 7, &[]), std::slice::from_ref(&generation));
        let degraded = ("x-vsr-degraded".to_owned(), "x: trap".to_owned());
        assert_eq!(told(&asking("true"), 7, &["x: trap".to_owned()]), [generation, degraded]);
    }

    #[test]
    fn what_went_wrong_is_told_briefly() {
        assert_eq!(degraded(&[]), None);
        let told = degraded(&["domain: deadline".to_owned(), "x: a\nb".to_owned()]);
        assert_eq!(told.unwrap(), ("x-vsr-degraded".to_owned(), "domain: deadline, x: a_b".to_owned()));
        assert_eq!(degraded(&["\u{fc}".repeat(2000)]).unwrap().1.len(), MAX_DEGRADED);
    }

    #[test]
    fn values_carry_no_control_characters() {
        assert!(value("plain, with\ttab and ümlaut"));
        for refused in ["a\r\nb: c", "\0", "\x7f"] {
            assert!(!value(refused), "{refused:?}");
        }
        assert!(!value(&"v".repeat(MAX_VALUE + 1)));
    }
}
