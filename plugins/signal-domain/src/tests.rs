use super::classifier::{Classifier, Seen, Way};
use super::examples::Method;
use super::fitted::{EMBEDDED, Fitted};
use super::settings::{Module, Rule};
use serde::Deserialize;
use serde_json::json;
use trackside_sdk::{Match, topic};

/// `cases/domain.json`: prompts, and what the host says about them with all-MiniLM-L6-v2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    /// What the similarities are to.
    bank: Vec<String>,
    prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prompt {
    text: String,
    label: String,
    similarities: Vec<f32>,
    /// Labels by position, with similarities.
    neighbours: Vec<(usize, f32)>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../cases/domain.json")).unwrap()
}

fn classifier(rules: serde_json::Value) -> Classifier {
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    Classifier::new(&rules, &Module::default(), Fitted::parse(EMBEDDED).unwrap())
}

fn fourteen() -> Classifier {
    classifier(Fitted::parse(EMBEDDED).unwrap().labels.iter().map(|label| json!({"name": label})).collect())
}

fn by_words(classifier: &Classifier, text: &str) -> Vec<Match> {
    classifier.classify(text, &Seen::Words)
}

fn names(matches: &[Match]) -> Vec<&str> {
    matches.iter().map(|found| found.rule.as_str()).collect()
}

/// The prompts that guides quote come first. All of them have to be right; of the rest, nearly all.
#[test]
fn recorded_prompts_reach_their_domain() {
    const QUOTED: usize = 11;
    const MOST_WRONG: usize = 1;
    let classifier = fourteen();
    let recorded = recorded();
    assert_eq!(classifier.labels.bank(), recorded.bank, "the bank changed: the cases have to be recorded again");
    let mut wrong = Vec::new();
    for (place, Prompt { text, label, similarities, neighbours }) in recorded.prompts.into_iter().enumerate() {
        let found = classifier.classify(&topic::of(&text), &Seen::Neighbours(similarities, neighbours));
        if names(&found) != [label] {
            assert!(place >= QUOTED, "{text}: {found:?}");
            wrong.push(text);
        }
    }
    assert!(wrong.len() <= MOST_WRONG, "{wrong:?}");
}

#[test]
fn what_is_missing_makes_it_less_sure_and_says_so() {
    let classifier = fourteen();
    let Prompt { text, similarities, neighbours, .. } = recorded().prompts.remove(0);
    let ways = [
        (Seen::Neighbours(similarities.clone(), neighbours), "of 20 neighbours, description 0."),
        (Seen::Descriptions(similarities), "; description 0."),
        (Seen::Words, "; by words alone, 0."),
    ];
    for (seen, reason) in ways {
        let matches = classifier.classify(&text, &seen);
        assert!(matches[0].detail.starts_with("math ") && matches[0].detail.contains(reason), "{matches:?}");
    }
}

#[test]
fn a_text_that_says_nothing_is_other() {
    for text in ["", "   ", "zzz qqqx", "???"] {
        let matches = by_words(&fourteen(), text);
        assert_eq!(names(&matches), ["other"], "{text}: {matches:?}");
        assert!(matches[0].confidence >= 0.5);
        let without_other = by_words(&classifier(json!([{"name": "math"}, {"name": "law"}])), text);
        assert!(without_other.is_empty(), "{text}: {without_other:?}");
    }
}

#[test]
fn three_declared_domains_do_not_share_the_rest_of_the_world() {
    let three = classifier(json!([{"name": "math"}, {"name": "law"}, {"name": "other"}]));
    assert_eq!(three.way, Way::Fitted);
    assert_eq!(names(&by_words(&three, "What is the derivative of x^3?")), ["math"]);
    assert!(by_words(&three, "How do vaccines trigger an immune response to the disease in a patient?").is_empty());
}

#[test]
fn categories_stand_for_a_domain_of_another_name() {
    let stem = classifier(json!([{"name": "STEM", "mmlu_categories": ["math", "Physics"]}]));
    for text in ["What is the derivative of x^3?", "An electron of this wavelength has which momentum and velocity?"] {
        assert_eq!(names(&by_words(&stem, text)), ["STEM"], "{text}");
    }
    assert!(by_words(&stem, "Is the plaintiff liable for breach of contract?").is_empty());
}

#[test]
fn domains_of_ones_own_live_by_their_words_without_a_model() {
    let own = classifier(json!([
        {"name": "billing", "description": "Invoices, refunds, charges and payment problems"},
        {"name": "technical support", "description": "Crashes, error messages, installation and login trouble"},
    ]));
    for (text, expected) in [
        ("I want a refund for the double charge", "billing"),
        ("where is my invoice", "billing"),
        ("the app crashes after installation", "technical support"),
    ] {
        assert_eq!(names(&by_words(&own, text)), [expected], "{text}");
    }
    assert!(by_words(&own, "a recipe for dinner with friends").is_empty());
}

#[test]
fn a_model_goes_before_words() {
    let own = classifier(json!([{"name": "billing", "description": "Invoices"}, {"name": "shipping"}]));
    assert_eq!(own.way, Way::Described);
    let similarities = vec![0.1, 0.1, 0.6, 0.6, 0.1, 0.1];
    assert_eq!(names(&own.classify("invoice", &Seen::Descriptions(similarities))), ["shipping"]);
    assert_eq!(names(&by_words(&own, "invoice")), ["billing"]);
}

#[test]
fn examples_of_ones_own_tell_domains_and_abstain() {
    let candidates = ["a", "b", "c", "d", "e"];
    let own = classifier(json!([
        {"name": "billing", "candidates": candidates},
        {"name": "shipping", "candidates": candidates},
    ]));
    assert_eq!(own.way, Way::Examples(Method::Linear));
    let said = |log_odds: [f32; 3]| own.classify("x", &Seen::Examples(log_odds.to_vec()));
    assert_eq!(names(&said([2.0, -3.0, -2.5])), ["billing"]);
    assert!(said([-3.0, -3.0, 2.5]).is_empty(), "it is about something else");
    assert!(said([-0.5, -0.7, -3.0]).is_empty(), "nobody reaches a half");
    assert_eq!(said([2.0, -3.0, -2.5])[0].detail, "billing 0.88, then other 0.08; by 10 examples");
}

#[test]
fn a_short_answer_from_the_host_does_no_harm() {
    for seen in
        [Seen::Descriptions(vec![f32::NAN]), Seen::Neighbours(vec![], vec![(99, f32::NAN)]), Seen::Examples(vec![])]
    {
        let confidences = fourteen().classify("What is the derivative of x^3?", &seen);
        assert!(confidences.iter().all(|found| found.confidence.is_finite()), "{seen:?}: {confidences:?}");
    }
}
