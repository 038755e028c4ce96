//! From scores to the domains to report.

use trackside_sdk::{Match, matched};

use crate::labels::Labels;
use crate::model::softmax;

/// Under this share of the greatest possible entropy the judgement is clear, and only its winner is reported.
const CLEAR: f64 = 0.4;

/// The domains whose probability reaches the threshold, surest first: of a clear judgement the winner alone, unless the
/// threshold is 0. `reasons` tells what speaks for a label.
pub(crate) fn matches(
    log_odds: &[f64],
    labels: &Labels,
    threshold: f64,
    reasons: impl Fn(usize) -> String,
) -> Vec<Match> {
    let probabilities = softmax(log_odds);
    let clear = threshold > 0.0 && entropy(&probabilities) < CLEAR;
    let classes = classes(&probabilities, labels);
    let reported = if clear { 1 } else { classes.len() };
    let reached = classes.iter().enumerate().take(reported).filter(|(_, class)| class.probability >= threshold);
    let reached = reached.filter_map(|(place, class)| {
        let rule = class.domain?;
        let rival = classes.get(usize::from(place == 0));
        let rival = rival.map_or(String::new(), |rival| format!(", then {} {:.2}", rival.name, rival.probability));
        let detail = format!("{} {:.2}{rival}; {}", class.name, class.probability, reasons(class.likeliest));
        let also = class.also.iter().map(|&domain| ("also".to_owned(), labels.domain(domain).to_owned()));
        Some(Match { extra: also.collect(), ..matched(rule, class.probability as f32, detail) })
    });
    reached.collect()
}

/// A domain with all its labels, or a label that belongs to none.
struct Class<'a> {
    name: &'a str,
    domain: Option<&'a str>,
    probability: f64,
    /// The position of its likeliest label, its probability, and the other domains that name it.
    likeliest: usize,
    at_likeliest: f64,
    also: &'a [usize],
}

fn classes<'a>(probabilities: &[f64], labels: &'a Labels) -> Vec<Class<'a>> {
    let mut classes: Vec<(Option<usize>, Class<'a>)> = Vec::new();
    for (position, (label, &probability)) in labels.iter().zip(probabilities).enumerate() {
        let same = classes.iter_mut().find(|(domain, _)| domain.is_some() && *domain == label.domain);
        match same {
            Some((_, class)) => {
                class.probability += probability;
                if probability > class.at_likeliest {
                    (class.likeliest, class.at_likeliest, class.also) = (position, probability, &label.also);
                }
            }
            None => {
                let domain = label.domain.map(|domain| labels.domain(domain));
                let name = domain.unwrap_or(&label.name);
                let also = &label.also;
                let class = Class { name, domain, probability, likeliest: position, at_likeliest: probability, also };
                classes.push((label.domain, class));
            }
        }
    }
    let mut classes: Vec<Class<'a>> = classes.into_iter().map(|(_, class)| class).collect();
    classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    classes
}

/// 0 for a certain outcome, 1 when all are equally likely.
fn entropy(probabilities: &[f64]) -> f64 {
    let bits: f64 = probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    let most = (probabilities.len() as f64).ln();
    if most > 0.0 { bits / most } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Rule;

    const KNOWN: [&str; 5] = ["chemistry", "law", "math", "other", "physics"];

    fn labels(rules: serde_json::Value) -> Labels {
        let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
        Labels::new(&rules, &KNOWN.map(str::to_owned))
    }

    fn report(log_odds: &[f64], threshold: f64, rules: serde_json::Value) -> Vec<(String, String)> {
        let matches = matches(log_odds, &labels(rules), threshold, |label| format!("label {label}"));
        matches.into_iter().map(|found| (found.rule, found.detail)).collect()
    }

    fn ab() -> serde_json::Value {
        serde_json::json!([{"name": "A"}, {"name": "B"}])
    }

    #[test]
    fn a_match_goes_by_the_names_of_all_domains_that_name_its_label() {
        let rules = serde_json::json!([
            {"name": "stem", "mmlu_categories": ["math", "physics"]},
            {"name": "numbers", "mmlu_categories": ["math"]},
        ]);
        let labels = labels(rules);
        let scores: Vec<f64> = labels.iter().map(|label| if label.name == "math" { 9.0 } else { 0.0 }).collect();
        let matches = matches(&scores, &labels, 0.5, |_| String::new());
        assert_eq!(matches[0].rule, "numbers");
        assert_eq!(matches[0].extra, [("also".to_owned(), "stem".to_owned())]);
    }

    #[test]
    fn a_clear_winner_stands_alone_whatever_the_threshold() {
        let expected = [("A".to_owned(), "A 0.99, then B 0.01; label 0".to_owned())];
        assert_eq!(report(&[6.0, 1.0, 0.0], 0.5, ab()), expected);
        assert_eq!(report(&[6.0, 1.0, 0.0], 0.001, ab()), expected);
    }

    #[test]
    fn an_open_judgement_reports_all_that_reach_the_threshold() {
        let expected = [
            ("B".to_owned(), "B 0.40, then A 0.36; label 1".to_owned()),
            ("A".to_owned(), "A 0.36, then B 0.40; label 0".to_owned()),
        ];
        assert_eq!(report(&[1.9, 2.0, 1.5], 0.3, ab()), expected);
        assert!(report(&[1.9, 2.0, 1.5], 0.5, ab()).is_empty(), "nobody reaches a half");
    }

    #[test]
    fn a_threshold_of_zero_reports_every_domain() {
        let found = report(&[6.0, 1.0, 0.0], 0.0, ab());
        assert_eq!(found.iter().map(|(rule, _)| rule.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn a_winner_that_nobody_declared_is_not_reported() {
        assert!(report(&[1.0, 0.0, 8.0], 0.0001, ab()).is_empty());
    }

    #[test]
    fn the_labels_of_one_domain_count_together() {
        let rules = serde_json::json!([{"name": "stem", "mmlu_categories": ["math", "physics", "chemistry"]}]);
        let mut scores = vec![0.0; 5];
        scores[..3].fill(3.0);
        let found = report(&scores, 0.5, rules);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.starts_with("stem 0.97, then "), "{found:?}");
    }

    #[test]
    fn a_domain_that_stands_for_everything_has_no_rival() {
        let rules = serde_json::json!([{"name": "all", "mmlu_categories": KNOWN}]);
        assert_eq!(report(&[0.0; 5], 0.5, rules), [("all".to_owned(), "all 1.00; label 0".to_owned())]);
    }

    #[test]
    fn scores_that_are_no_numbers_do_no_harm() {
        let found = report(&[f64::NAN, 9.0, f64::INFINITY], 0.5, ab());
        assert_eq!(found[0].0, "B");
    }
}
