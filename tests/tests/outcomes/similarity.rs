//! Keywords that are found by likeness: misspelt, ranked, in pieces.

use crate::explained;
use serde_json::{Value, json};

const SIGNALS: &str = "
version: v0.3
providers:
  defaults: {default_model: base}
  models: [{name: base, backend_refs: [{endpoint: 'base:8000'}]}]
routing:
  signals:
    keywords:
      - {name: ranked, operator: OR, method: bm25, keywords: [gradient descent, neural network, training data]}
      - {name: strict, operator: OR, method: bm25, bm25_threshold: 1.5, keywords: [gradient descent, neural network, training data]}
      - {name: pieces, operator: OR, method: ngram, keywords: [kubernetes, deployment]}
      - {name: misspelt, operator: AND, method: fuzzy, keywords: [refund, invoice]}
      - {name: none_of, operator: NOR, method: ngram, keywords: [kubernetes]}
  decisions: [{name: any, rules: {type: keyword, name: ranked}}]
";

#[test]
fn each_method_finds_what_is_like_its_keywords() {
    for (text, expected) in [
        ("What is a gradient?", &["ranked", "none_of"][..]),
        ("How do neural networks learn?", &["ranked", "strict", "none_of"]),
        ("My kubernets cluster is slow", &["pieces"]),
        ("The deploymnet fails", &["pieces", "none_of"]),
        ("A refnd for the invoce, please", &["misspelt", "none_of"]),
        ("A refund, please", &["none_of"]),
        ("Write a poem", &["none_of"]),
    ] {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        let answer = explained(SIGNALS, &body);
        let signals = answer["record"]["signals"].as_array().expect("there is a list of signals").iter();
        let found: Vec<&str> = signals.filter_map(|found| found["rule"].as_str()).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(answer["record"]["degraded"], json!([]) as Value, "{text}");
    }
}
