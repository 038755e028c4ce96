//! Profiles, what they share and what they keep apart, and what is derived before their decisions see it.

use crate::{explained, explained_with};
use serde_json::{Value, json};

/// Two profiles besides the default one. All have a decision called `code`, and each has a keyword of its own.
const PROFILES: &str = "
version: v0.3
providers:
  defaults: {default_model: small}
  models:
    - {name: small, backend_refs: [{endpoint: 'small:8000'}]}
    - {name: large, backend_refs: [{endpoint: 'large:8000'}]}
routing:
  modelCards: [{name: small}, {name: large}]
  signals: {keywords: [{name: code, operator: OR, keywords: [rust]}]}
  decisions: [{name: code, rules: {type: keyword, name: code}, modelRefs: [{model: small}]}]
entrypoints:
  - {model_names: [team/auto, team], recipe: team}
  - {model_names: [other], recipe: other}
recipes:
  - name: team
    routing:
      signals: {keywords: [{name: code, operator: OR, keywords: [rust]}]}
      decisions: [{name: code, rules: {type: keyword, name: code}, modelRefs: [{model: large}]}]
  - name: other
    routing:
      signals:
        keywords: [{name: code, operator: OR, keywords: [python]}]
        domains: [{name: math}]
      strategy: confidence
      decisions:
        - {name: code, priority: 1, rules: {type: keyword, name: code}, modelRefs: [{model: large}]}
        - {name: all, priority: 9, modelRefs: [{model: small}]}
";

fn body(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// Profile, decision and model.
fn routed(answer: &Value) -> [String; 3] {
    let record = &answer["record"];
    ["profile", "decision", "selected_model"].map(|key| record[key].as_str().unwrap_or("none").to_owned())
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_profile() {
    for (model, text, expected) in [
        ("auto", "some rust", ["default", "code", "small"]),
        ("team/auto", "some rust", ["team", "code", "large"]),
        ("team", "some python", ["team", "none", "small"]),
        ("other", "some python", ["other", "code", "large"]),
        ("other", "some rust", ["other", "all", "small"]),
        ("large", "some rust", ["none", "none", "large"]),
    ] {
        let answer = explained(PROFILES, &body(model, text));
        assert_eq!(routed(&answer), expected, "{model}: {text}");
        let recipe = answer["response_headers"].as_array().expect("headers").iter();
        let recipe = recipe.filter(|header| header[0] == "x-vsr-selected-recipe").map(|header| header[1].clone());
        let expected: Vec<Value> = [expected[0]].into_iter().filter(|name| *name != "none").map(Value::from).collect();
        assert_eq!(recipe.collect::<Vec<_>>(), expected, "{model}");
        assert_ne!(answer["record"]["evaluated"], json!(["domain"]), "a signal that no decision needs was evaluated");
    }
}

#[test]
fn a_profile_that_the_gateway_names_goes_before_the_model_name() {
    let asked =
        |model: &str, profile: &str| explained_with(PROFILES, &["--profile", profile], &body(model, "some rust"));
    assert_eq!(routed(&asked("auto", "team")), ["team", "code", "large"]);
    assert_eq!(routed(&asked("other", "default")), ["default", "code", "small"]);
    assert_eq!(routed(&asked("small", "team")), ["none", "none", "small"], "the client chose a model");
    let refused = asked("auto", "taem");
    assert_eq!((&refused["action"], &refused["status"]), (&json!("respond"), &json!(400)));
    assert_eq!(refused["body"]["error"]["code"], "profile_not_found");
    assert_eq!(refused["body"]["error"]["message"], "profile \"taem\" does not exist");
    assert_eq!(explained(PROFILES, &body("nobody", "x"))["body"]["error"]["code"], "model_not_found");
}

/// How hard a request is, from words in it, and which of two subjects it has.
const PROJECTIONS: &str = "
providers: {defaults: {default_model: small}}
routing:
  modelCards: [{name: small}, {name: large}]
  signals:
    keywords:
      - {name: proof, operator: OR, keywords: [prove, theorem]}
      - {name: long, operator: OR, keywords: [thorough]}
      - {name: chat, operator: OR, keywords: [hello]}
  projections:
    scores:
      - name: unused
        inputs: [{type: keyword, name: chat, weight: 1}]
      - name: difficulty
        method: weighted_sum
        inputs:
          - {type: keyword, name: proof, weight: 0.6, value_source: confidence}
          - {type: keyword, name: long, weight: 0.3}
          - {type: projection, name: smalltalk, weight: -0.5}
      - name: smalltalk
        inputs: [{type: keyword, name: chat, weight: 1, match: 0.4, miss: 0}]
    mappings:
      - name: bands
        source: difficulty
        method: threshold_bands
        outputs: [{name: hard, gte: 0.6}, {name: middling, gt: 0.1, lt: 0.6}]
  decisions:
    - {name: hard, priority: 9, rules: {type: projection, name: hard}, modelRefs: [{model: large}]}
    - {name: middling, rules: {type: projection, name: middling, predicate: {gte: 0.3}}, modelRefs: [{model: small}]}
";

#[test]
fn decisions_hold_by_ranges_of_a_score() {
    for (text, decision, difficulty) in [
        ("prove this theorem", "hard", 0.6),
        ("prove it, and be thorough", "hard", 0.9),
        ("hello, prove this theorem", "middling", 0.4),
        ("be thorough", "middling", 0.3),
        ("hello, be thorough", "none", 0.1),
        ("what is this", "none", 0.0),
    ] {
        let answer = explained(PROJECTIONS, &body("auto", text));
        let record = &answer["record"];
        assert_eq!(record["decision"].as_str().unwrap_or("none"), decision, "{text}: {record:#}");
        let scores = record["scores"].as_array().expect("scores");
        let names: Vec<&Value> = scores.iter().map(|score| &score["score"]).collect();
        assert_eq!(names, ["smalltalk", "difficulty"], "only what decisions need, in the order of need");
        let value = scores[1]["value"].as_f64().expect("a number");
        assert!((value - difficulty).abs() < 1e-6, "{text}: {value}");
        let outputs =
            record["signals"].as_array().expect("signals").iter().filter(|found| found["signal"] == "projection");
        assert!(outputs.clone().all(|found| found["value"] == scores[1]["value"]), "{record:#}");
    }
}

/// Roles by identity; what a row adds goes behind it.
const ROLES: &str = "
providers: {defaults: {default_model: small}}
routing:
  modelCards: [{name: small}, {name: large}]
  signals:
    role_bindings:
      - {name: staff-binding, role: staff, subjects: [{kind: Group, name: staff}, {kind: User, name: ada}]}
  decisions:
    - {name: staff, rules: {type: authz, name: staff}, modelRefs: [{model: large}]}
global:
";

#[test]
fn roles_come_from_headers_that_the_gateway_vouches_for_and_from_no_others() {
    let untrusted = format!("{ROLES}  services: {{authz: {{fail_open: true}}}}\n");
    let trusted = format!("{ROLES}  services: {{authz: {{identity: {{user_id_header: x-user}}}}}}\n");
    let closed = format!("{ROLES}  router: {{strategy: priority}}\n");
    let rows: [(&str, &[&str], &str); 8] = [
        (&untrusted, &["x-authz-user-id=ada", "x-authz-user-groups=staff"], "none"),
        (&untrusted, &[], "none"),
        (&trusted, &["x-user=ada"], "staff"),
        (&trusted, &["x-user=bob", "x-authz-user-groups=guests, staff"], "staff"),
        (&trusted, &["x-user=bob", "x-authz-user-id=ada"], "none"),
        (&trusted, &["x-authz-user-id=ada"], "identity_required"),
        (&trusted, &["x-user= "], "identity_required"),
        (&closed, &["x-authz-user-id=ada"], "identity_required"),
    ];
    for (config, headers, expected) in rows {
        let arguments: Vec<&str> = headers.iter().flat_map(|header| ["--header", header]).collect();
        let answer = explained_with(config, &arguments, &body("auto", "hello"));
        let refusal = answer["body"]["error"]["code"].as_str();
        let got = refusal.or_else(|| answer["record"]["decision"].as_str()).unwrap_or("none");
        assert_eq!(got, expected, "{headers:?}: {answer:#}");
        assert!(refusal.is_none() || answer["status"] == 403, "{answer:#}");
    }
}

#[test]
fn a_request_is_left_alone_only_where_the_configuration_lets_it_ask() {
    let honoured = PROFILES.to_owned() + "global: {router: {skip_processing: {enabled: true}}}\n";
    let skip = ["--header", "x-vsr-skip-processing=true"];
    let sent = body("nobody", "some rust");
    let answer = explained_with(&honoured, &skip, &sent);
    assert_eq!((&answer["action"], &answer["body"]), (&json!("forward"), &sent));
    assert_eq!(answer["record"]["reason_code"], "skipped");
    let answer = explained_with(PROFILES, &skip, &body("auto", "some rust"));
    assert_eq!(routed(&answer), ["default", "code", "small"]);
}

/// The layout of v0.1, with a model behind two endpoints and a category that reasons.
const FLAT: &str = "
vllm_endpoints:
  - {name: first, address: 10.0.0.1, port: 8000, weight: 1}
model_config:
  large: {preferred_endpoints: [first], reasoning_family: qwen3, model_id: vendor/large-1}
reasoning_families: {qwen3: {type: chat_template_kwargs, parameter: enable_thinking}}
default_model: small
categories:
  - name: math
    system_prompt: You are a mathematician.
    use_reasoning: true
    model_scores: [{model: large, score: 0.9}]
";

#[test]
fn a_file_of_an_older_layout_routes() {
    let answer = explained(FLAT, &body("auto", "What is the derivative of f(x) = x^3?"));
    assert_eq!(routed(&answer), ["default", "math", "large"]);
    assert_eq!(answer["body"]["model"], "vendor/large-1");
    assert_eq!(answer["body"]["chat_template_kwargs"], json!({"enable_thinking": true}));
    assert_eq!(answer["body"]["messages"][0], json!({"role": "system", "content": "You are a mathematician."}));
    assert_eq!(routed(&explained(FLAT, &body("auto", "hello there"))), ["default", "none", "small"]);
}
