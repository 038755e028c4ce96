//! The examples that a reader of the guides tries first.

use crate::ask;
use serde_json::Value;
use std::ffi::OsString;
use trackside_tests::{Stage, Way, mode, place};

/// Asks every prompt that names a model of the AIBrix sample, and counts those whose domain is told right.
async fn check(flags: &[OsString]) {
    let (Some(config), Some(prompts)) = (place::shared_config("aibrix.yaml"), place::shared("data/seed-prompts"))
    else {
        return;
    };
    let rules = std::fs::read_to_string(prompts.join("rules.json")).expect("the rules can be read");
    let rules: Value = serde_json::from_str(&rules).expect("the rules are JSON");
    let Some(stage) = Stage::start_with(&config, flags, &[]).await else { return };
    let way = Way::http1(mode::AIBRIX.name);
    let lines = std::fs::read_to_string(prompts.join("prompts.jsonl")).expect("the prompts can be read");
    let prompts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(!prompts.is_empty());
    for prompt in prompts {
        let text = prompt["text"].as_str().expect("a prompt has text");
        let domain = prompt["label"].as_str().expect("a prompt has a domain");
        let thinking = rules["keyword"]["any"].as_array().expect("a list");
        let thinking = thinking.iter().any(|word| text.to_lowercase().contains(word.as_str().expect("a word")));
        let rule = if thinking { &rules["keyword"] } else { &rules["domains"][domain] };
        let exchange = stage.send(way, ask(text)).await;
        assert_eq!(exchange.seen().json()["model"], rule["model"], "{text}: {:?}", exchange.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_prompts_reach_the_model_of_their_domain() {
    check(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_prompts_reach_the_model_of_their_domain_with_the_model_of_a_folder() {
    let Some(encoder) = place::encoder() else { return };
    check(&["--model".into(), encoder.into()]).await;
}
