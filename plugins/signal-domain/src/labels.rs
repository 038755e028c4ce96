//! What a text is sorted into. The labels are not the domains: a domain may stand for several, and one that nobody
//! declared still takes the texts that belong to it.

use crate::model::known::{self, OTHER, TEXTS};
use crate::settings::Rule;
use std::collections::BTreeMap;

/// All labels, in a fixed order.
#[derive(Debug)]
pub(crate) struct Labels {
    labels: Vec<Label>,
    domains: Vec<String>,
}

/// One thing that a text may be about.
#[derive(Debug, Default)]
pub(crate) struct Label {
    pub(crate) name: String,
    /// Its position among the labels of the fitted classifier.
    pub(crate) known: Option<usize>,
    /// What the configuration says about it.
    pub(crate) description: String,
    /// Position of the domain that it counts for, if one was declared.
    pub(crate) domain: Option<usize>,
    /// Positions of the domains that name it too: decisions may refer to what is found here by their names as well.
    pub(crate) also: Vec<usize>,
    /// Texts that belong to it, by the configuration.
    pub(crate) examples: Vec<String>,
}

impl Labels {
    /// The labels that the domains declare; `other`, so that a text may always be about something else; and all that are
    /// known as long as nothing but known ones are declared, and none by examples: a file with three of them is not asked
    /// to sort the rest of the world into these three.
    pub(crate) fn new(rules: &[Rule], known: &[String]) -> Self {
        let find = |name: &str| known.iter().position(|known| known == name);
        let mut labels: Vec<Label> = Vec::new();
        for (domain, rule) in rules.iter().enumerate() {
            let own = [rule.name.clone()];
            let by_name = rule.mmlu_categories.is_empty() || !rule.candidates.is_empty();
            let names = if by_name { &own[..] } else { &rule.mmlu_categories };
            for name in names.iter().map(|name| name.trim().to_lowercase()) {
                let described = names.len() == 1;
                let description = if described { rule.description.clone() } else { String::new() };
                // The last domain that claims a label gets it.
                let earlier = labels.iter().position(|label| label.name == name).map(|place| labels.remove(place));
                let also = earlier.map(|label| label.also.into_iter().chain(label.domain).collect());
                labels.push(Label {
                    known: find(&name),
                    name,
                    description,
                    domain: Some(domain),
                    also: also.unwrap_or_default(),
                    examples: rule.candidates.clone(),
                });
            }
        }
        let all_known = labels.iter().all(|label| label.known.is_some() && label.examples.is_empty());
        let rest = if all_known { known.to_vec() } else { vec![OTHER.to_owned()] };
        for name in rest {
            if labels.iter().all(|label| label.name != name) {
                labels.push(Label { known: find(&name), name, ..Label::default() });
            }
        }
        Self { labels, domains: rules.iter().map(|rule| rule.name.clone()).collect() }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.labels.iter()
    }

    pub(crate) fn domain(&self, position: usize) -> &str {
        self.domains.get(position).map_or("", String::as_str)
    }

    /// The texts to compare a request with, [`TEXTS`] for each label.
    pub(crate) fn bank(&self) -> Vec<String> {
        self.labels.iter().flat_map(Label::texts).collect()
    }

    /// The texts that tell each label from the others. A name that says nothing has none: `intent_17` beside `intent_18`
    /// would make the two alike.
    pub(crate) fn telling(&self) -> Vec<Vec<String>> {
        let mut bearers: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
        for label in &self.labels {
            *bearers.entry(words(&label.name)).or_default() += 1;
        }
        let texts = self.labels.iter().map(|label| {
            let words = words(&label.name);
            let named = !words.is_empty() && bearers.get(&words) == Some(&1);
            let [question, about] = label.texts();
            let described = named || about != label.name;
            [(question, named), (about, described)]
                .into_iter()
                .filter_map(|(text, tells)| tells.then_some(text))
                .collect()
        });
        texts.collect()
    }
}

/// What of a name is words: numbers, codes and single letters are not.
fn words(name: &str) -> Vec<&str> {
    let parts = name.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|part| part.chars().count() > 1 && part.chars().all(char::is_alphabetic)).collect()
}

impl Label {
    /// What it is about.
    pub(crate) fn texts(&self) -> [String; TEXTS] {
        known::texts(&self.name, &self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["biology", "law", "math", "other", "physics"].map(str::to_owned).to_vec()
    }

    fn labels(rules: serde_json::Value) -> Vec<(String, Option<usize>)> {
        let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
        Labels::new(&rules, &known()).labels.into_iter().map(|label| (label.name, label.domain)).collect()
    }

    #[test]
    fn known_domains_compete_with_all_known_labels() {
        let labels = labels(serde_json::json!([{"name": "Math"}, {"name": "law"}]));
        assert_eq!(labels.len(), 5);
        assert_eq!(labels[..2], [("math".into(), Some(0)), ("law".into(), Some(1))]);
        assert!(labels[2..].iter().all(|(_, domain)| domain.is_none()));
    }

    #[test]
    fn domains_of_ones_own_compete_with_each_other_and_with_everything_else() {
        let labels = labels(serde_json::json!([{"name": "billing"}, {"name": "math"}]));
        assert_eq!(labels, [("billing".into(), Some(0)), ("math".into(), Some(1)), ("other".into(), None)]);
    }

    #[test]
    fn known_names_with_examples_of_ones_own_are_ones_own() {
        let labels = labels(serde_json::json!([{"name": "math", "candidates": ["1 + 1"]}, {"name": "law"}]));
        assert_eq!(labels, [("math".into(), Some(0)), ("law".into(), Some(1)), ("other".into(), None)]);
    }

    #[test]
    fn the_last_domain_that_names_a_category_gets_it() {
        let labels = labels(serde_json::json!([
            {"name": "stem", "mmlu_categories": ["Math", "physics"]},
            {"name": "math"},
            {"name": "science", "mmlu_categories": ["physics", "other"]},
        ]));
        let of = |name: &str| labels.iter().find(|(label, _)| label == name).and_then(|(_, domain)| *domain);
        assert_eq!((of("math"), of("physics"), of("other")), (Some(1), Some(2), Some(2)));
        assert_eq!(labels.len(), 5);
    }

    #[test]
    fn a_description_takes_the_place_of_the_built_in_one() {
        let rules: Vec<Rule> = serde_json::from_value(serde_json::json!([
            {"name": "math", "description": "Sums."},
            {"name": "billing", "description": "Invoices."},
            {"name": "support"},
        ]))
        .unwrap();
        let bank = Labels::new(&rules, &known()).bank();
        assert_eq!(
            bank[..6],
            [
                "a question about math",
                "Sums.",
                "a question about billing",
                "Invoices.",
                "a question about support",
                "support",
            ]
        );
        assert_eq!(bank.len(), 8, "and two for `other`");
    }

    #[test]
    fn a_name_that_says_nothing_tells_nothing() {
        let telling = |rules: serde_json::Value| {
            let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
            Labels::new(&rules, &known()).telling()
        };
        let told = telling(serde_json::json!([
            {"name": "intent_1"},
            {"name": "Intent_2", "description": "Lost cards."},
            {"name": "q-17"},
            {"name": "card"},
            {"name": "card lost"},
            {"name": "card_2"},
            {"name": "math"},
        ]));
        assert!([0, 2, 3, 5].iter().all(|place| told[*place].is_empty()), "{told:?}");
        assert_eq!(told[1], ["Lost cards."]);
        assert_eq!(told[4], ["a question about card lost", "card lost"]);
        assert!(told[6][0].ends_with("math") && told[6][1].starts_with("Solving"), "{told:?}");
        assert_eq!(telling(serde_json::json!([{"name": "card"}]))[0], ["a question about card", "card"]);
    }
}
