//! AIBrix's published configuration, unchanged.

use crate::ask;
use serde_json::{Value, json};
use trackside_tests::{Exchange, Stage, Way};

const MATH_PROMPT: &str = "You are a mathematics expert. Provide step-by-step solutions, show your work clearly, and \
                           explain mathematical concepts in an understandable way.";
const THINKING_PROMPT: &str = "You are a thinking expert, should think multiple steps before answering. Please answer the \
                               question step by step.";

/// The prompt, and one for each thinking keyword.
const THINKING: [&str; 7] = [
    "Walk me through how to structure a business merger proposal.",
    "Explain photosynthesis step by step.",
    "Please think step after step about the French Revolution.",
    "Use a chain of thought to find the capital of Australia.",
    "Reason through the causes of inflation.",
    "What is 17 times 23? Show your work.",
    "WALK ME THROUGH a breach of contract.",
];

/// Whether the model is told to think, as the body says it.
fn thinking(body: &Value) -> Option<bool> {
    body.pointer("/chat_template_kwargs/enable_thinking").map(|value| value.as_bool().expect("a boolean"))
}

fn assert_routed(exchange: &Exchange, model: &str, decision: &str, what: &str) {
    assert_eq!(exchange.status, 200, "{what}: {exchange:?}");
    assert_eq!(exchange.seen().json()["model"], model, "{what}");
    assert_eq!(exchange.seen().header("x-selected-model"), Some(model), "{what}");
    assert_eq!(exchange.header("x-vsr-selected-model"), Some(model), "{what}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some(decision), "{what}");
    assert_eq!(exchange.header("x-vsr-schema-version"), Some("2"), "{what}");
}

routed!(aibrix, every_prompt_of_the_guide_lands_where_it_says);
async fn every_prompt_of_the_guide_lands_where_it_says(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask("What is the derivative of x^3 + 2x?")).await;
    let what = format!("derivative, {way}");
    assert_routed(&exchange, "qwen3-8b", "math_decision", &what);
    assert_eq!(exchange.route(), "qwen3-8b", "{what}");
    let body = exchange.seen().json();
    assert_eq!(thinking(&body), Some(true), "{what}");
    let user = json!({"role": "user", "content": "What is the derivative of x^3 + 2x?"});
    assert_eq!(body["messages"], json!([{"role": "system", "content": MATH_PROMPT}, user]), "{what}");

    let exchange = stage.send(way, ask("What are the key factors to consider when entering a new market?")).await;
    let what = format!("new market, {way}");
    assert_eq!(exchange.status, 200, "{what}");
    assert_eq!(exchange.seen().json()["model"], "llama3-8b-instruct", "{what}");
    assert_eq!(exchange.header("x-vsr-selected-model"), Some("llama3-8b-instruct"), "{what}");
    assert_eq!(exchange.route(), "default", "{what}");
    assert_eq!(thinking(&exchange.seen().json()), None, "{what}");

    for prompt in THINKING {
        let exchange = stage.send(way, ask(prompt)).await;
        let what = format!("{prompt:?}, {way}");
        assert_routed(&exchange, "qwen3-8b", "thinking_decision", &what);
        let body = exchange.seen().json();
        assert_eq!(thinking(&body), Some(true), "{what}");
        assert_eq!(body["messages"][0], json!({"role": "system", "content": THINKING_PROMPT}), "{what}");
    }
}

routed!(aibrix, a_system_message_of_the_client_is_replaced_and_the_rest_keeps_its_bytes);
async fn a_system_message_of_the_client_is_replaced_and_the_rest_keeps_its_bytes(stage: &Stage, way: Way) {
    let pieces = [
        "{ \"temperature\" : 1.0, \"seed\":12345678901234567890123, \"x\":{\"b\":1e3,\"a\":[ ]}, \"model\"\t:  ",
        " ,\r\n\"messages\":[ {\"role\":\"system\", \"content\":",
        ", \"name\":\"s\"} , {\"role\":\"user\",\"content\":\"Show your work: caf\\u00e9 \\ud83d\\ude00 / \\/\"} ],\"n\":1,\"n\":2, \"stop\":null",
        "}\n",
    ];
    let body = [pieces[0], "\"auto\"", pieces[1], "\"Be brief.\"", pieces[2], pieces[3]].concat();
    let exchange = stage.send(way, trackside_tests::Message::chat(body.clone())).await;
    assert_routed(&exchange, "qwen3-8b", "thinking_decision", &way.to_string());
    let sent = String::from_utf8(exchange.seen().body.to_vec()).expect("JSON is UTF-8");
    let edits = between(&sent, &pieces).unwrap_or_else(|| panic!("{way}: other bytes changed: {sent}"));
    assert_eq!(edits[0], "\"qwen3-8b\"", "{way}");
    assert_eq!(serde_json::from_str::<Value>(edits[1]).expect("a string"), THINKING_PROMPT, "{way}");
    assert_eq!(thinking(&exchange.seen().json()), Some(true), "{way}: {sent}");
}

/// What stands between the pieces of a text that begins with the first, ends with the last and has them in order.
fn between<'a>(text: &'a str, pieces: &[&str]) -> Option<Vec<&'a str>> {
    let mut rest = text.strip_prefix(pieces[0])?.strip_suffix(pieces[pieces.len() - 1])?;
    let mut found = Vec::new();
    for piece in &pieces[1..pieces.len() - 1] {
        let (before, after) = rest.split_once(piece)?;
        found.push(before);
        rest = after;
    }
    found.push(rest);
    Some(found)
}
