//! Headers that we write, checked before a gateway sees them: a gateway fails the whole request over a bad one.

/// Most headers that the plugins of one request may set.
pub(crate) const MAX_HEADERS: usize = 50;
/// Longest header value, bytes. Gateways refuse requests whose headers exceed about 60 KiB in all.
const MAX_VALUE: usize = 8 * 1024;
/// Headers that belong to the gateway or to the router itself.
const RESERVED: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "x-selected-model"];

/// The lower-case name, if a plugin may set or remove this header.
pub(crate) fn name(name: &str) -> Option<String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let lower = name.to_ascii_lowercase();
    let valid = !lower.is_empty() && lower.len() <= 256 && lower.bytes().all(token);
    let free = !RESERVED.contains(&lower.as_str()) && !lower.starts_with("x-envoy-") && !lower.starts_with("x-vsr-");
    (valid && free).then_some(lower)
}

/// Whether a header may have this value.
pub(crate) fn value(value: &str) -> bool {
    value.len() <= MAX_VALUE && value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
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
    fn values_carry_no_control_characters() {
        assert!(value("plain, with\ttab and ümlaut"));
        for refused in ["a\r\nb: c", "\0", "\x7f"] {
            assert!(!value(refused), "{refused:?}");
        }
        assert!(!value(&"v".repeat(MAX_VALUE + 1)));
    }
}
