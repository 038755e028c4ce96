//! `trackside eval`: labelled prompts through the whole pipeline.

use crate::process::{file, run};
use serde_json::Value;
use std::process::Output;

/// The built-in configuration routes these by domain; the last label is none of its domains.
const PROMPTS: &str = r#"{"text": "What is the derivative of x^3?", "label": "math", "decision": "math", "model": "reasoning-model"}

{"prompt": "Solve the equation 3x + 5 = 20 for x", "label": "math", "decision": "math", "model": "reasoning-model"}
{"text": "walk me through it", "label": "cooking", "decision": "thinking", "model": "fast-model"}
"#;

fn eval(arguments: &[&str]) -> Output {
    run(&[&["eval"], arguments].concat())
}

fn json(arguments: &[&str]) -> Value {
    let output = eval(&[arguments, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn domains_are_compared_as_answered_and_by_the_likeliest() {
    let path = file("eval/prompts.jsonl", PROMPTS);
    let report = json(&[path.to_str().unwrap()]);
    assert_eq!((&report["count"], &report["refused"], &report["degraded"]), (&3.into(), &0.into(), &0.into()));
    for scores in [&report["as_answered"], &report["likeliest"]] {
        assert_eq!((&scores["all"]["count"], &scores["all"]["right"]), (&3.into(), &2.into()), "{report:#}");
        let [low, high] = [0, 1].map(|end| scores["all"]["interval_95"][end].as_f64().unwrap());
        assert!(low < 2.0 / 3.0 && high > 2.0 / 3.0, "{low} {high}");
        assert_eq!(scores["classes"]["math"]["recall"], 1.0);
        assert_eq!(scores["confusion"][0]["expected"], "cooking");
        for error in ["calibration_error", "calibration_error_by_chance"] {
            assert!((0.0..=1.0).contains(&scores[error].as_f64().unwrap()), "{report:#}");
        }
    }
    let p50 = report["latency_ms"]["p50"].as_f64().unwrap();
    assert!(p50 > 0.0 && report["latency_ms"]["p99"].as_f64().unwrap() >= p50);
    assert_eq!(report["embedding"]["model"], "all-MiniLM-L6-v2");
    let output = eval(&[path.to_str().unwrap()]);
    let (told, text) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    assert!(told.contains("does not declare: cooking"), "{told}");
    for part in [
        "surest domain of 3 prompts",
        "as answered",
        "likeliest",
        "66.7 %",
        "2 of 3",
        "Calibration",
        "by chance",
        "p99",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn decisions_models_and_reasoning_are_compared_too() {
    let path = file("eval/expect.jsonl", PROMPTS);
    let path = path.to_str().unwrap();
    let right = |expect: &str| json(&["--expect", expect, path])["as_answered"]["all"]["right"].clone();
    assert_eq!((right("decision"), right("model")), (3.into(), 2.into()));
    let path = file(
        "eval/reasoning.jsonl",
        "{\"text\": \"walk me through it\", \"thinking\": 1}\n{\"text\": \"What is the derivative of x^3?\", \"label\": \"math\"}\n",
    );
    let report = json(&["--expect", "reasoning", path.to_str().unwrap()]);
    assert_eq!(report["as_answered"]["all"]["right"], 2, "{report:#}");
    assert_eq!(report["likeliest"], Value::Null);
}

#[test]
fn several_files_are_told_apart_and_a_limit_counts_for_each() {
    let (first, second) = (file("eval/first.jsonl", PROMPTS), file("eval/second.jsonl", PROMPTS));
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    let report = json(&["--limit", "2", first, second]);
    for path in [first, second] {
        assert_eq!(report["as_answered"]["files"][path]["right"], 2, "{report:#}");
    }
    assert_eq!(report["count"], 4);
}

#[test]
fn lines_that_cannot_be_used_are_told_with_their_place() {
    let lines = "{\"text\": \"a\", \"label\": \"math\"}\nnot json\n{\"label\": \"math\"}\n{\"text\": \"a\"}\n{\"text\": 1, \"label\": \"a\"}\n";
    let path = file("eval/broken.jsonl", lines);
    let output = eval(&[path.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{told}");
    for place in ["broken.jsonl:2: ", "broken.jsonl:3: ", "broken.jsonl:4: ", "broken.jsonl:5: "] {
        assert!(told.contains(place), "no {place} in {told}");
    }
    assert!(!told.contains("broken.jsonl:1: "), "{told}");
    let empty = file("eval/empty.jsonl", "\n");
    assert_eq!(eval(&[empty.to_str().unwrap()]).status.code(), Some(69));
    assert_eq!(eval(&["no.jsonl"]).status.code(), Some(69));
    let output = eval(&["--signal", "preference", path.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(told.contains("\"preference\"") && told.contains("domain"), "{told}");
}
