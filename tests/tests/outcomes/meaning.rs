//! Signals that compare meaning, with the model inside the program. None of the prompts is an example of its rule.

use crate::explained;
use serde_json::{Value, json};

const SIGNALS: &str = r#"
version: v0.3
providers:
  defaults: {default_model: base}
  models: [{name: base, backend_refs: [{endpoint: "base:8000"}]}]
routing:
  signals:
    keywords:
      - {name: question, operator: OR, keywords: [what, how]}
    embeddings:
      - name: refund
        threshold: 0.45
        candidates:
          - I want my money back
          - How do I get a refund for my order?
          - Please cancel my purchase and return the payment
      - name: delivery
        threshold: 0.45
        candidates: [Where is my package?, When will my order arrive?, Track my delivery]
      - name: refund_on_average
        threshold: 0.5
        aggregation_method: mean
        candidates:
          - I want my money back
          - How do I get a refund for my order?
          - Please cancel my purchase and return the payment
    preferences:
      - name: code_review
        description: "Reviewing source code: finding bugs, style problems and ways to simplify it"
        examples: [What is wrong with this function?, Can this loop be written more simply?]
        threshold: 0.25
      - name: creative_writing
        description: Writing stories, poems, songs and scripts
        examples: [Write a short story about a lighthouse keeper, Compose a poem about the sea]
        threshold: 0.25
      - name: travel
        description: "Planning trips: flights, hotels, sights and itineraries"
        examples: [Plan a weekend in Lisbon]
        threshold: 0.25
    complexity:
      - &effort
        name: effort
        threshold: 0.05
        hard:
          candidates:
            - Prove that there are infinitely many primes
            - Design a distributed system that survives network partitions
            - Derive the closed form of this recurrence and prove it by induction
            - Analyse the trade-offs of these three architectures step by step
        easy:
          candidates:
            - What is the capital of France?
            - What does this word mean?
            - How many days are in a week?
            - Translate hello into Spanish
      - {<<: *effort, name: effort_of_questions, composer: {conditions: [{type: keyword, name: question}]}}
    reasks:
      - {name: once}
      - {name: twice, lookback_turns: 2}
  decisions:
    - name: any
      rules:
        operator: OR
        conditions:
          - {type: embedding, name: refund}
          - {type: preference, name: travel}
          - {type: complexity, name: "effort:hard"}
          - {type: reask, name: once}
global:
  model_catalog:
    embeddings: {semantic: {embedding_config: {enable_soft_matching: false, top_k: 0}}}
"#;

/// What is found of one type in a conversation whose last turn is the user's.
fn found(config: &str, signal: &str, turns: &[&str]) -> Vec<String> {
    let turn = |text: &&str| json!({"role": "user", "content": text});
    let mut messages: Vec<Value> = Vec::new();
    for text in turns {
        messages.extend([turn(text), json!({"role": "assistant", "content": "I would rather not say."})]);
    }
    messages.pop();
    let answer = explained(config, &json!({"model": "auto", "messages": messages}));
    assert_eq!(answer["record"]["degraded"], json!([]), "{turns:?}");
    let signals = answer["record"]["signals"].as_array().expect("there is a list of signals").clone();
    let of_type = signals.iter().filter(|found| found["signal"] == signal);
    of_type.map(|found| found["rule"].as_str().expect("a rule has a name").to_owned()).collect()
}

#[test]
fn an_embedding_matches_what_means_the_same_and_nothing_else() {
    let rows: [(&str, &[&str]); 8] = [
        ("I would like my payment returned", &["refund", "refund_on_average"]),
        ("Cancel the purchase I made yesterday", &["refund", "refund_on_average"]),
        ("Is a refund possible when the box is open?", &["refund"]),
        ("When does my shipment get here?", &["delivery"]),
        ("The parcel has still not been delivered", &["delivery"]),
        ("Write a poem about autumn leaves", &[]),
        ("What is the derivative of x^3?", &[]),
        ("Explain photosynthesis to a child", &[]),
    ];
    for (text, expected) in rows {
        assert_eq!(found(SIGNALS, "embedding", &[text]), expected, "{text}");
    }
}

#[test]
fn the_best_embedding_alone_counts_unless_the_module_says_otherwise() {
    let usual = SIGNALS.replace("top_k: 0", "top_k: 1");
    assert_eq!(found(&usual, "embedding", &["I would like my payment returned"]), ["refund"]);
}

#[test]
fn a_soft_match_takes_the_place_of_none() {
    let strict = SIGNALS.replace("threshold: 0.45", "threshold: 0.9").replace("threshold: 0.5\n", "threshold: 0.9\n");
    let text = ["When does my shipment get here?"];
    assert_eq!(found(&strict, "embedding", &text), [] as [&str; 0]);
    let soft = strict.replace("enable_soft_matching: false", "enable_soft_matching: true");
    assert_eq!(found(&soft, "embedding", &text), ["delivery"]);
    let stricter = soft.replace("top_k: 0", "top_k: 0, min_score_threshold: 0.85");
    assert_eq!(found(&stricter, "embedding", &text), [] as [&str; 0]);
}

#[test]
fn one_preference_at_most_is_chosen() {
    let rows: [(&str, &[&str]); 8] = [
        ("Is there a bug in my for loop that sums an array?", &["code_review"]),
        ("Please review this Python function for mistakes", &["code_review"]),
        ("Make up a fairy tale about a dragon", &["creative_writing"]),
        ("Write me a limerick about cats", &["creative_writing"]),
        ("Which sights should I see during three days in Rome?", &["travel"]),
        ("Find me a hotel near the beach", &["travel"]),
        ("What is the boiling point of water?", &[]),
        ("Summarise the French Revolution", &[]),
    ];
    for (text, expected) in rows {
        assert_eq!(found(SIGNALS, "preference", &[text]), expected, "{text}");
    }
    let ahead = "    modules: {classifier: {preference: {prototype_scoring: {margin_threshold: 0.19}}}}\n";
    let by_far = format!("{SIGNALS}{ahead}");
    assert_eq!(found(&by_far, "preference", &["Find me a hotel near the beach"]), [] as [&str; 0]);
    assert_eq!(found(&by_far, "preference", &["Make up a fairy tale about a dragon"]), ["creative_writing"]);
}

#[test]
fn a_complexity_comes_out_in_one_way_and_its_composer_may_drop_it() {
    let rows: [(&str, &[&str]); 6] = [
        ("Design a fault tolerant replicated database", &["effort:hard"]),
        ("Derive the running time of merge sort and prove it", &["effort:hard"]),
        ("What is the capital of Italy?", &["effort:easy", "effort_of_questions:easy"]),
        ("How many hours are in a day?", &["effort:easy", "effort_of_questions:easy"]),
        ("Translate good morning into French", &["effort:easy"]),
        ("What is 2+2?", &["effort:medium", "effort_of_questions:medium"]),
    ];
    // Without a decision that refers to it, the composer has to bring its signal along.
    for (text, expected) in rows {
        assert_eq!(found(SIGNALS, "complexity", &[text]), expected, "{text}");
    }
}

#[test]
fn a_turn_that_asks_the_same_again_is_noticed() {
    let (ask, again) = ("How do I install Python on Windows?", "Tell me how to install Python on Windows");
    let (differently, other) = ("How can Python be installed on Windows?", "What is the weather in Paris?");
    let rows: [(&[&str], &[&str]); 6] = [
        (&[ask], &[]),
        (&[ask, again], &["once"]),
        (&[other, ask, again], &["once"]),
        (&[ask, again, differently], &["twice"]),
        (&[ask, other, again], &[]),
        (&[ask, other], &[]),
    ];
    for (turns, expected) in rows {
        assert_eq!(found(SIGNALS, "reask", turns), expected, "{turns:?}");
    }
}

#[test]
fn a_decision_follows_what_is_found() {
    let rows = [
        ("Find me a hotel near the beach", Some("any")),
        ("Design a fault tolerant replicated database", Some("any")),
        ("What is the capital of Italy?", None),
    ];
    for (text, expected) in rows {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        assert_eq!(explained(SIGNALS, &body)["record"]["decision"].as_str(), expected, "{text}");
    }
}

#[test]
fn a_predicate_compares_the_score() {
    let decision = |predicate: &str| {
        let leaf = format!("rules: {{type: embedding, name: refund, predicate: {{{predicate}}}}}");
        let config = SIGNALS.split("  decisions:").next().expect("it has decisions").to_owned();
        let config = format!("{config}  decisions: [{{name: sure, {leaf}}}]\n");
        let text = "I would like my payment returned";
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        explained(&config, &body)["record"]["decision"].as_str().map(str::to_owned)
    };
    assert_eq!(decision("gte: 0.6, lt: 0.75").as_deref(), Some("sure"));
    assert_eq!(decision("gt: 0.75"), None);
}
