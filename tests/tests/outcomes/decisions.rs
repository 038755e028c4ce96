//! Ranking, selection and what is written in the body.

use crate::explained;
use serde_json::{Value, json};

/// Two models, one with an adapter and one with a name of its own upstream; what a row adds goes behind it.
const MODELS: &str = "
version: v0.3
providers:
  defaults:
    default_model: small
    reasoning_families: {qwen3: {type: chat_template_kwargs, parameter: enable_thinking}}
  models:
    - {name: small, backend_refs: [{endpoint: 'small:8000'}]}
    - {name: large, provider_model_id: 'vendor/large-1', reasoning_family: qwen3, backend_refs: [{endpoint: 'large:8000'}]}
routing:
  modelCards:
    - {name: small, loras: [{name: small-law}]}
    - {name: large}
  signals:
    keywords:
      - {name: red, operator: OR, keywords: [red]}
      - {name: blue, operator: OR, keywords: [blue]}
    domains: [{name: math, model_scores: {large: 0.9, small: 0.2}}, {name: law}]
";

fn explain(config: &str, model: &str, text: &str) -> Value {
    let message = json!({"role": "user", "content": text});
    explained(config, &json!({"model": model, "messages": [message], "reasoning_effort": "low"}))
}

fn decisions(list: &str) -> String {
    format!("{MODELS}  decisions:\n{list}")
}

/// A decision named `name` with these other keys.
fn decision(name: &str, rest: &str) -> String {
    format!("    - {{name: {name}, {rest}}}\n")
}

fn taken(config: &str, text: &str) -> String {
    explain(config, "auto", text)["record"]["decision"].as_str().unwrap_or("none").to_owned()
}

const RED: &str = "rules: {type: keyword, name: red}, modelRefs: [{model: large}]";
const BLUE: &str = "rules: {type: keyword, name: blue}, modelRefs: [{model: small}]";
const MATH: &str = "rules: {type: domain, name: math}, modelRefs: [{model: large}]";

#[test]
fn the_ranking_takes_the_decision_of_its_row() {
    let two = |first: &str, second: &str| decisions(&(first.to_owned() + second));
    let rows = [
        (
            "priority",
            two(&decision("a", &format!("priority: 1, {RED}")), &decision("b", &format!("priority: 2, {BLUE}"))),
            "b",
        ),
        ("confidence breaks a tie of priorities", two(&decision("a", MATH), &decision("b", RED)), "b"),
        ("the name breaks a tie of both", two(&decision("b", RED), &decision("a", BLUE)), "a"),
        (
            "a lower tier beats a higher priority",
            two(&decision("a", &format!("tier: 2, priority: 9, {RED}")), &decision("b", &format!("tier: 1, {BLUE}"))),
            "b",
        ),
        (
            "no tier stands before tier 1",
            two(&decision("a", &format!("tier: 1, priority: 9, {RED}")), &decision("b", BLUE)),
            "b",
        ),
        (
            "the confidence strategy looks at confidence first",
            two(&decision("a", &format!("priority: 9, {MATH}")), &decision("b", RED)) + "  strategy: confidence\n",
            "b",
        ),
        ("an empty AND always holds", decisions(&decision("a", "rules: {operator: AND, conditions: []}")), "a"),
        ("an empty OR never holds", decisions(&decision("a", "rules: {operator: OR, conditions: []}")), "none"),
        ("empty rules always hold", decisions(&decision("a", "rules: {}")), "a"),
        ("rules left out always hold", decisions(&decision("a", "modelRefs: [{model: large}]")), "a"),
        (
            "NOT inverts its child",
            decisions(&decision("a", "rules: {operator: NOT, conditions: [{type: keyword, name: red}]}")),
            "none",
        ),
    ];
    for (row, config, expected) in rows {
        assert_eq!(taken(&config, "red or blue: what is the derivative of x^3?"), expected, "{row}");
    }
}

#[test]
fn a_request_that_nothing_matches_goes_to_the_default_model_with_only_its_name_rewritten() {
    let answer = explain(&decisions(&decision("a", RED)), "auto", "hello");
    assert_eq!(answer["record"]["reason_code"], "no_match");
    assert_eq!(
        answer["body"],
        json!({"model": "small", "messages": [{"role": "user", "content": "hello"}], "reasoning_effort": "low"})
    );
}

#[test]
fn without_a_match_and_a_default_model_the_request_is_refused() {
    let config = decisions(&decision("a", RED)).replace("    default_model: small\n", "");
    let answer = explain(&config, "auto", "hello");
    assert_eq!((&answer["action"], &answer["status"]), (&json!("respond"), &json!(400)));
    assert_eq!(answer["body"]["error"]["code"], "no_model_selected");
}

#[test]
fn a_decision_without_models_takes_the_default_model_and_runs_its_plugins() {
    let plugins = "plugins: [{type: system_prompt, configuration: {system_prompt: Be brief.}}]";
    let answer = explain(&decisions(&decision("a", &format!("rules: {{}}, {plugins}"))), "auto", "hello");
    assert_eq!(answer["body"]["model"], "small");
    assert_eq!(answer["body"]["messages"][0], json!({"role": "system", "content": "Be brief."}));
}

#[test]
fn one_model_is_taken_as_it_is_and_its_upstream_name_is_written() {
    let model = "rules: {}, modelRefs: [{model: large, use_reasoning: true}]";
    let answer = explain(&decisions(&decision("a", model)), "auto", "hello");
    assert_eq!(answer["record"]["algorithm"], "single");
    assert_eq!(answer["body"]["model"], "vendor/large-1");
    assert_eq!(answer["body"]["chat_template_kwargs"], json!({"enable_thinking": true}));
    assert_eq!(answer["body"]["reasoning_effort"], Value::Null, "the client's effort does not survive a decision");
    assert_eq!(answer["set_headers"], json!([["x-selected-model", "large"]]));
}

#[test]
fn an_adapter_is_written_in_the_body_and_in_the_header() {
    let adapter = "rules: {}, modelRefs: [{model: small, lora_name: small-law}]";
    let answer = explain(&decisions(&decision("a", adapter)), "auto", "hello");
    assert_eq!(answer["body"]["model"], "small-law");
    assert_eq!(answer["set_headers"], json!([["x-selected-model", "small-law"]]));
}

#[test]
fn of_several_models_the_static_selector_takes_the_best_score_or_else_the_first() {
    let several = "modelRefs: [{model: small}, {model: large}]";
    let scored = explain(
        &decisions(&decision("a", &format!("rules: {{type: domain, name: math}}, {several}"))),
        "auto",
        "What is the derivative of x^3?",
    );
    assert_eq!(
        (&scored["record"]["algorithm"], &scored["record"]["selected_model"]),
        (&json!("static"), &json!("large"))
    );
    let unscored = explain(&decisions(&decision("a", &format!("rules: {{}}, {several}"))), "auto", "hello");
    assert_eq!(unscored["record"]["selected_model"], "small");
}

#[test]
fn a_requested_name_means_what_its_row_says() {
    let always = decisions(&decision("a", "rules: {}, modelRefs: [{model: large}]"));
    let renamed = always.clone() + "global: {router: {auto_model_names: [route-me]}}\n";
    let rows = [
        (&always, "auto", "auto_routing", "vendor/large-1"),
        (&always, "MoM", "auto_routing", "vendor/large-1"),
        (&always, "vllm-sr/auto", "auto_routing", "vendor/large-1"),
        (&renamed, "route-me", "auto_routing", "vendor/large-1"),
        (&always, "small", "model_specified", "small"),
        (&always, "small-law", "model_specified", "small-law"),
        (&always, "large", "model_specified", "vendor/large-1"),
    ];
    for (config, requested, reason, written) in rows {
        let answer = explain(config, requested, "hello");
        assert_eq!(answer["record"]["reason_code"], reason, "{requested}");
        assert_eq!(answer["body"]["model"], written, "{requested}");
        if reason == "model_specified" {
            assert_eq!(answer["body"]["reasoning_effort"], "low", "{requested} passes as it is");
            assert_eq!(answer["record"]["evaluated"], json!([]), "{requested} is not looked into");
        }
    }
    for (config, requested) in [(&always, "nope"), (&renamed, "auto")] {
        let answer = explain(config, requested, "hello");
        assert_eq!(
            (&answer["status"], &answer["body"]["error"]["param"]),
            (&json!(400), &json!("model")),
            "{requested}"
        );
    }
}
