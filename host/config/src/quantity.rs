//! Whole numbers with a unit: `64MiB`, `20ms`.

use std::time::Duration;

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

/// Reads a size above zero such as `64MiB` or `1 GB`; nothing for any other text.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    quantity(text, BYTES)
}

/// Reads a time above zero such as `150ms`, `2s` or `5m`; nothing for any other text.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    quantity(text, NANOSECONDS).map(Duration::from_nanos)
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(parse_bytes("64MiB"), Some(64 << 20));
        assert_eq!(parse_bytes("1 GB"), Some(1_000_000_000));
        assert_eq!(parse_bytes("512B"), Some(512));
        for wrong in
            ["", "64", "0MiB", "MiB", "-1MiB", "1.5GiB", "64mib", "99999999999999999999GiB", "18446744073709551615KiB"]
        {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(parse_duration("250µs"), Some(Duration::from_micros(250)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
        for wrong in ["", "150", "0ms", "-1s", "1h", "ms", "1.5s", "5 fortnights"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
