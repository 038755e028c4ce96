//! Banks of example texts, as v0.3 builds and asks them: near duplicates fall together into one prototype, and the score of
//! a request is a mixture of its similarity to the best prototype and to the best few.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::embeddings::{self, BankQuery, Clustering};
use crate::{Failure, topic};

/// How example texts become a bank, and how its score is made: v0.3's `prototype_scoring`. As in v0.3, a number of 0 stands
/// for the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrototypeScoring {
    /// Whether near duplicates fall together; they do when left out. Else each text is a prototype.
    enabled: Option<bool>,
    /// Texts at least this similar (cosine) fall together; 0.9 when left out.
    #[schemars(range(min = 0, max = 1))]
    cluster_similarity_threshold: f32,
    /// At most this many prototypes are kept, those of the largest groups; 8 when left out.
    max_prototypes: u32,
    /// Weight of the most similar prototype in the score, the rest being the mean of the best few; 0.75 when left out.
    #[schemars(range(min = 0, max = 1))]
    best_weight: f32,
    /// How many prototypes are the best few; 2 when left out.
    top_m: u32,
    /// How far the best rule has to be ahead of the second, for signals that choose one rule; 0 when left out.
    #[schemars(range(min = 0, max = 2))]
    margin_threshold: f32,
}

impl PrototypeScoring {
    /// Declares a bank under a name, to be called in `configure`. Of each text its [`topic`] counts, as it does of a request:
    /// an example is entirely similar to itself. Tells whether there is a bank: of blank texts none is made.
    ///
    /// # Errors
    /// When the host has no model, or refuses the texts.
    pub fn declare(&self, bank: &str, texts: &[String]) -> Result<bool, Failure> {
        let texts = topics(texts);
        if texts.is_empty() {
            return Ok(false);
        }
        match self.clustering() {
            Some(how) => embeddings::prototypes(bank, &texts, how)?,
            None => embeddings::bank(bank, &texts)?,
        }
        Ok(true)
    }

    /// The question to a bank.
    pub fn query(&self, bank: &str) -> BankQuery {
        let best_weight = if self.best_weight > 0.0 { self.best_weight } else { 0.75 };
        BankQuery { bank: bank.into(), best_weight, top: or(self.top_m, 2) }
    }

    /// The question whose score is the mean over the whole bank.
    pub fn query_mean(bank: &str) -> BankQuery {
        BankQuery { bank: bank.into(), best_weight: 0.0, top: 0 }
    }

    /// How far the best rule has to be ahead of the second.
    pub fn margin(&self) -> f32 {
        self.margin_threshold
    }

    fn clustering(&self) -> Option<Clustering> {
        let given = self.cluster_similarity_threshold;
        let similarity = if given > 0.0 { given } else { 0.9 };
        self.enabled.unwrap_or(true).then(|| Clustering { similarity, most: or(self.max_prototypes, 8) })
    }
}

fn or(given: u32, default: u32) -> u32 {
    if given > 0 { given } else { default }
}

/// The topics of the texts: equal ones once, blank ones not at all, in their order.
fn topics(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let topics = texts.iter().map(|text| topic::of(text));
    topics.filter(|topic| !topic.trim().is_empty() && seen.insert(topic.clone())).map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoring(json: &str) -> PrototypeScoring {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_left_out_or_0_is_the_default() {
        for json in ["{}", r#"{"cluster_similarity_threshold": 0, "max_prototypes": 0, "best_weight": 0, "top_m": 0}"#]
        {
            let scoring = scoring(json);
            let how = scoring.clustering().unwrap();
            assert_eq!((how.similarity, how.most), (0.9, 8), "{json}");
            let query = scoring.query("b");
            assert_eq!((query.bank.as_str(), query.best_weight, query.top), ("b", 0.75, 2), "{json}");
            assert_eq!(scoring.margin(), 0.0, "{json}");
        }
    }

    #[test]
    fn what_is_given_counts() {
        let scoring = scoring(
            r#"{"cluster_similarity_threshold": 0.8, "max_prototypes": 3, "best_weight": 1, "top_m": 5, "margin_threshold": 0.1}"#,
        );
        let how = scoring.clustering().unwrap();
        assert_eq!((how.similarity, how.most), (0.8, 3));
        let query = scoring.query("b");
        assert_eq!((query.best_weight, query.top, scoring.margin()), (1.0, 5, 0.1));
        assert!(super::tests::scoring(r#"{"enabled": false}"#).clustering().is_none());
        let mean = PrototypeScoring::query_mean("b");
        assert_eq!((mean.best_weight, mean.top), (0.0, 0));
    }

    #[test]
    fn topics_count_once_and_blank_ones_not_at_all() {
        let texts: Vec<String> = ["reset my password", " ", "Hello! Please reset my password. Thanks!", "", "hello"]
            .map(str::to_owned)
            .into();
        assert_eq!(topics(&texts), ["reset my password", "reset my password.", "hello"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<PrototypeScoring>(r#"{"top_n": 3}"#).is_err());
    }
}
