use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::detect::detect;
use crate::model::MODEL;
use crate::{Languages, Rule};

/// One line of `cases/language.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: Value,
    text: String,
    expect: Vec<String>,
}

fn languages(rules: &Value) -> Languages {
    Languages::new(serde_json::from_value::<Vec<Rule>>(rules.clone()).unwrap()).unwrap()
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/language.json")).unwrap();
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for Case { name, rules, text, expect } in cases {
        let found = languages(&rules).judge(&text);
        let names: Vec<&str> = found.iter().map(|found| found.rule.as_str()).collect();
        assert_eq!(names, expect, "{name}: {:?}", detect(&MODEL, &text));
        assert!(found.iter().all(|found| found.confidence == 1.0), "{name}");
    }
}

#[test]
fn a_name_is_a_code() {
    for name in ["EN", "eng", "e", "en-GB", ""] {
        let rules = serde_json::from_value(json!([{ "name": name }])).unwrap();
        let message = Languages::new(rules).unwrap_err().message;
        assert!(message.ends_with("expected an ISO 639-1 code of two lower-case letters, such as `en`"), "{message}");
    }
}

#[test]
fn languages_that_are_never_told_are_known() {
    let languages = languages(&json!([{"name": "en"}, {"name": "mi"}, {"name": "nb"}, {"name": "qq"}]));
    assert_eq!(languages.unknown().collect::<Vec<_>>(), ["mi", "qq"]);
}

#[test]
fn any_text_is_told_something_or_nothing() {
    let confused = ["\0\0\0", "\u{10FFFF}", "123 456", "🙂🙂", "a", "\u{301}\u{301}", "ÀÁÂ", "ﬀﬁ"];
    for text in confused.map(str::to_owned).into_iter().chain(["é".repeat(5000), "e\u{301}".repeat(700)]) {
        let sure = detect(&MODEL, &text).map_or(0.0, |guess| guess.confidence);
        assert!((0.0..=1.0).contains(&sure), "{text} {sure}");
    }
    assert_eq!(detect(&MODEL, "e\u{301}te\u{301}"), detect(&MODEL, "été"));
}

/// Short sentences in 60 languages. What the component is measured by; the sentences do not come with the repository.
#[test]
fn sentences_of_sixty_languages() {
    #[derive(Deserialize)]
    struct Row {
        text: String,
        lang: String,
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/langid/dev.jsonl");
    let Ok(lines) = std::fs::read_to_string(&file) else {
        println!("skipped: the sentences are not at {}", file.display());
        return;
    };
    let rows: Vec<Row> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let guesses = rows.iter().filter_map(|row| detect(&MODEL, &row.text).map(|guess| (row, guess)));
    let (mut right, mut sure) = (0_usize, 0.0);
    for (row, guess) in guesses {
        sure += f64::from(guess.confidence);
        right += usize::from(code(&row.lang) == if guess.code == "nn" { "no" } else { guess.code });
    }
    let [right, sure] = [right as f64, sure].map(|sum| 100.0 * sum / rows.len() as f64);
    println!("{right:.2} % of {} are right, {sure:.2} % in its own opinion", rows.len());
    assert!(right >= 95.0, "{right:.2} %");
    assert!((sure - right).abs() < 3.0, "{sure:.2} % is not {right:.2} %");
}

/// ISO 639-1 of the ISO 639-3 codes in the data.
fn code(iso3: &str) -> &str {
    const PAIRS: &str = "afr af ara ar aze az bel be ben bn bul bg cat ca ces cs cmn zh dan da deu de ell el eng en epo eo \
        est et eus eu fin fi fra fr gle ga glg gl heb he hin hi hrv hr hun hu hye hy ind id isl is ita it jpn ja kat ka \
        kor ko lat la lit lt lvs lv mar mr mkd mk mon mn nld nl nob no pes fa pol pl por pt ron ro rus ru slk sk slv sl \
        spa es sqi sq srp sr swe sv swh sw tam ta tel te tgl tl tha th tur tr ukr uk urd ur vie vi zsm ms";
    let mut words = PAIRS.split_whitespace();
    words.by_ref().find(|word| *word == iso3);
    words.next().unwrap_or_default()
}
