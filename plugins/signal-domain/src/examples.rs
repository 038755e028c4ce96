//! Labels told by examples that the configuration gives.

use crate::labels::{Label, Labels};
use crate::model::known::{KNOWN, OTHER};

/// From so many examples of every label on, a linear head is better than class means.
const ENOUGH: usize = 5;
/// How far apart two cosines are to make a difference of e in the odds, as one over that.
pub(crate) const SHARPNESS: f64 = 24.0;
/// A text that is less similar than this to all class means is about something else.
const SOMETHING_ELSE: f64 = 0.3;

/// How labels are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Mean,
    Linear,
}

impl Method {
    /// The way that suits the labels; none when no label has an example.
    pub(crate) fn of(labels: &Labels) -> Option<Self> {
        let mut declared = labels.iter().filter(|label| label.domain.is_some()).peekable();
        declared.peek()?;
        let fewest = declared.clone().filter(|label| label.name != OTHER).map(|label| label.examples.len()).min();
        match fewest {
            Some(fewest) if fewest >= ENOUGH => Some(Self::Linear),
            _ => declared.any(|label| !label.examples.is_empty()).then_some(Self::Mean),
        }
    }

    /// The contract's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Linear => "linear",
        }
    }

    /// The texts of each class: its examples, and what it is about. Without a label for it, what the configuration does
    /// not name is a class of the linear head, and nothing to the class means.
    ///
    /// A mean of one or two examples is better with any description than without; the linear head, which would learn
    /// to tell names apart that say nothing, only has those that say something.
    pub(crate) fn classes(self, labels: &Labels) -> Vec<Vec<String>> {
        let declared = |(label, _): &(&Label, _)| self == Self::Linear || label.domain.is_some();
        let classes = labels.iter().zip(labels.telling()).filter(declared).map(|(label, telling)| {
            let about = match (self, label.examples.is_empty()) {
                (Self::Linear, true) => everything_but(labels),
                (Self::Linear, false) => telling,
                (Self::Mean, _) => label.texts().to_vec(),
            };
            [&label.examples[..], &about].concat()
        });
        classes.collect()
    }

    /// The logarithm of every label's odds, from what the head says of the classes.
    pub(crate) fn log_odds(self, labels: &Labels, said: &[f32]) -> Vec<f64> {
        let mut said = said.iter().map(|said| f64::from(*said));
        let log_odds = labels.iter().map(|label| match self {
            Self::Linear => said.next().map_or(f64::NEG_INFINITY, log_probability),
            Self::Mean if label.domain.is_none() => SHARPNESS * SOMETHING_ELSE,
            Self::Mean => said.next().map_or(f64::NEG_INFINITY, |cosine| SHARPNESS * cosine),
        });
        log_odds.collect()
    }
}

/// What everything is about that is no label, `other` included.
fn everything_but(labels: &Labels) -> Vec<String> {
    let named = |name: &str| name != OTHER && labels.iter().any(|label| label.name == name);
    let rest = KNOWN.iter().filter(|known| !named(known.name));
    rest.flat_map(|known| [known.question, known.about]).map(str::to_owned).collect()
}

/// The logarithm of `1 / (1 + exp(-odds))`.
fn log_probability(log_odds: f64) -> f64 {
    log_odds.min(0.0) - (-log_odds.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Rule;

    fn labels(rules: serde_json::Value) -> Labels {
        let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
        Labels::new(&rules, &["math".to_owned(), OTHER.to_owned()])
    }

    fn some(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("example {number}")).collect()
    }

    #[test]
    fn the_number_of_examples_chooses_the_method() {
        for (billing, shipping, expected) in
            [(0, 0, None), (1, 0, Some(Method::Mean)), (4, 9, Some(Method::Mean)), (5, 5, Some(Method::Linear))]
        {
            let labels = labels(serde_json::json!([
                {"name": "billing", "candidates": some(billing)},
                {"name": "shipping", "candidates": some(shipping)},
                {"name": "other"},
            ]));
            assert_eq!(Method::of(&labels), expected, "{billing} and {shipping}");
        }
        assert_eq!(Method::of(&labels(serde_json::json!([]))), None);
    }

    #[test]
    fn class_means_include_descriptions_and_leave_the_rest_of_the_world_out() {
        let labels =
            labels(serde_json::json!([{"name": "billing", "description": "Money.", "candidates": ["my invoice"]}]));
        let classes = Method::Mean.classes(&labels);
        assert_eq!(classes, [["my invoice", "a question about billing", "Money."]]);
        let log_odds = Method::Mean.log_odds(&labels, &[0.5]);
        assert!(log_odds[0] > log_odds[1] && log_odds.len() == 2, "{log_odds:?}");
        assert!(Method::Mean.log_odds(&labels, &[0.2])[0] < log_odds[1]);
    }

    #[test]
    fn the_linear_head_has_a_class_for_the_rest_of_the_world() {
        let labels = labels(serde_json::json!([{"name": "math", "candidates": some(5)}]));
        let classes = Method::Linear.classes(&labels);
        assert_eq!(classes.len(), 2);
        assert!(classes[1].iter().any(|text| text.contains("law")), "{classes:?}");
        assert!(!classes[1].iter().any(|text| text == "a question about math"));
        let log_odds = Method::Linear.log_odds(&labels, &[1.0, -1.0]);
        assert!((log_odds[0].exp() + log_odds[1].exp() - 1.0).abs() < 1e-9, "{log_odds:?}");
    }

    #[test]
    fn the_linear_head_learns_from_descriptions_that_say_something() {
        let labels = labels(serde_json::json!([
            {"name": "billing", "description": "Money.", "candidates": some(5)},
            {"name": "intent_1", "candidates": some(5)},
            {"name": "intent_2", "candidates": some(6)},
        ]));
        let classes = Method::Linear.classes(&labels);
        assert_eq!(classes[0], [&some(5)[..], &["a question about billing".to_owned(), "Money.".to_owned()]].concat());
        assert_eq!(classes[1..3], [some(5), some(6)]);
    }

    #[test]
    fn a_short_answer_from_the_host_does_no_harm() {
        let labels = labels(serde_json::json!([{"name": "billing"}, {"name": "shipping"}]));
        assert_eq!(Method::Linear.log_odds(&labels, &[]).len(), 3);
        assert_eq!(Method::Mean.log_odds(&labels, &[f32::NAN]).len(), 3);
    }
}
