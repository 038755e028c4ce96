//! Bounds on a number, as v0.3 writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// Bounds that all have to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// Greater than.
    pub gt: Option<f64>,
    /// Greater than or equal.
    pub gte: Option<f64>,
    /// Less than.
    pub lt: Option<f64>,
    /// Less than or equal.
    pub lte: Option<f64>,
}

impl Predicate {
    /// Whether the number is within all bounds; without bounds every number is.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.gt.is_none_or(|bound| value > bound)
            && self.gte.is_none_or(|bound| value >= bound)
            && self.lt.is_none_or(|bound| value < bound)
            && self.lte.is_none_or(|bound| value <= bound)
    }

    /// The bound that counts where one is asked for: the first that is set, in the order of the fields.
    #[must_use]
    pub fn first(&self) -> Option<f64> {
        self.gt.or(self.gte).or(self.lt).or(self.lte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicate(json: &str) -> Predicate {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_bound_has_to_hold() {
        for (json, value, holds) in [
            ("{}", 0.0, true),
            (r#"{"gt": 2}"#, 2.0, false),
            (r#"{"gt": 2}"#, 2.5, true),
            (r#"{"gte": 2}"#, 2.0, true),
            (r#"{"lt": 2}"#, 2.0, false),
            (r#"{"lte": 2}"#, 2.0, true),
            (r#"{"gte": 2, "lt": 5}"#, 4.9, true),
            (r#"{"gte": 2, "lt": 5}"#, 5.0, false),
            (r#"{"gte": 2, "lt": 5}"#, 1.0, false),
            (r#"{"gt": 0}"#, f64::NAN, false),
        ] {
            assert_eq!(predicate(json).holds(value), holds, "{json} {value}");
        }
    }

    #[test]
    fn the_first_bound_is_the_first_field_that_is_set() {
        assert_eq!(predicate("{}").first(), None);
        assert_eq!(predicate(r#"{"lt": 1, "gte": 3}"#).first(), Some(3.0));
        assert_eq!(predicate(r#"{"lte": 1}"#).first(), Some(1.0));
    }
}
