//! Signals that need no model: what a request is made of, who sends it, and what is attached to it.

use crate::{explained, explained_with};
use serde_json::{Value, json};

const SIGNALS: &str = r"
version: v0.3
providers:
  defaults: {default_model: base}
  models: [{name: base, backend_refs: [{endpoint: 'base:8000'}]}]
routing:
  signals:
    context:
      - {name: short, max_tokens: '1K'}
      - {name: long, min_tokens: '1.5K', max_tokens: 1M}
    structure:
      - {name: many_questions, feature: {type: count, source: {type: regex, pattern: '[?？]'}}, predicate: {gte: 3}}
      - {name: steps, feature: {type: sequence, source: {type: sequence, sequences: [[first, then], [首先, 然后]]}}}
      - {name: commanding, feature: {type: density, source: {type: keyword_set, keywords: [must]}}, predicate: {gt: 0.1}}
    conversation:
      - {name: long_talk, feature: {type: count, source: {type: message, role: user}}, predicate: {gte: 3}}
      - {name: agent_at_work, feature: {type: exists, source: {type: active_tool_loop}}}
      - {name: offers_tools, feature: {type: exists, source: {type: tool_definition}}}
      - {name: shows_images, feature: {type: exists, source: {type: image_content}}}
    events:
      - {name: incident, event_types: [outage], severities: [critical, high], temporal: true}
    metadata:
      - {name: gold, key: tier, predicate: {in: [gold, platinum]}}
      - {name: tenantless, key: tenant, predicate: {exists: false}}
    language:
      - {name: en}
      - {name: de, threshold: 0.5}
      - {name: zh}
  decisions:
    - name: any
      rules:
        operator: OR
        conditions:
          - {type: context, name: short}
          - {type: structure, name: steps}
          - {type: conversation, name: long_talk}
          - {type: event, name: incident}
          - {type: metadata, name: gold}
          - {type: language, name: en}
";

/// What is found of one type in a body.
fn found(signal: &str, body: &Value) -> Vec<String> {
    let answer = explained(SIGNALS, body);
    assert_eq!(answer["record"]["degraded"], json!([]), "{body}");
    names(&answer, signal)
}

fn names(answer: &Value, signal: &str) -> Vec<String> {
    let signals = answer["record"]["signals"].as_array().expect("there is a list of signals").iter();
    let of_type = signals.filter(|found| found["signal"] == signal);
    of_type.map(|found| found["rule"].as_str().expect("a rule has a name").to_owned()).collect()
}

fn ask(text: &str) -> Value {
    json!({"model": "auto", "messages": [{"role": "user", "content": text}]})
}

#[test]
fn context_counts_what_the_model_reads_and_what_it_is_to_write() {
    let with = |key: &str, value: Value| {
        let mut body = ask("hello");
        body[key] = value;
        body
    };
    let tool = json!([{"type": "function", "function": {"name": "look", "description": "x".repeat(1600)}}]);
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]);
    for (body, expected) in [
        (ask("hello"), &["short"][..]),
        // 4 bytes a token, and 4 tokens for the message.
        (ask(&"word ".repeat(796)), &["short"]),
        (ask(&"word ".repeat(799)), &[]),
        (ask(&"word ".repeat(1197)), &["long"]),
        (with("max_tokens", json!(4000)), &["long"]),
        (with("max_completion_tokens", json!(100)), &["short"]),
        (with("tools", tool), &["long"]),
        (with("messages", image), &["long"]),
    ] {
        assert_eq!(found("context", &body), expected, "{}", body.to_string().chars().take(80).collect::<String>());
    }
}

#[test]
fn structure_is_counted_in_the_ask() {
    for (text, expected) in [
        ("Why? How? When?", &["many_questions"][..]),
        ("为什么？怎么？何时？", &["many_questions"]),
        ("Why? How?", &[]),
        ("First boil the water, then add salt", &["steps"]),
        ("Then add salt, first", &[]),
        ("首先加水，然后加盐", &["steps"]),
        ("You must stop", &["commanding"]),
        ("You must not take mustard with every single one of the meals you eat here", &[]),
    ] {
        assert_eq!(found("structure", &ask(text)), expected, "{text}");
    }
}

#[test]
fn a_conversation_is_known_by_its_messages() {
    let [user, answer] = [json!({"role": "user", "content": "u"}), json!({"role": "assistant", "content": "a"})];
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function"}]});
    let result = json!({"role": "tool", "tool_call_id": "1", "content": "r"});
    let image = json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]});
    let tools = json!([{"type": "function", "function": {"name": "look"}}]);
    for (messages, tools, expected) in [
        (vec![&user], Value::Null, &[][..]),
        (vec![&user, &answer, &user, &answer, &user], Value::Null, &["long_talk"]),
        (vec![&user, &call, &result], tools.clone(), &["agent_at_work", "offers_tools"]),
        (vec![&user, &call, &result, &answer, &user], tools, &["offers_tools"]),
        (vec![&image], Value::Null, &["shows_images"]),
    ] {
        let body = json!({"model": "auto", "messages": messages, "tools": tools});
        assert_eq!(found("conversation", &body), expected, "{body}");
    }
}

#[test]
fn events_and_metadata_are_found() {
    let answer = explained(SIGNALS, &ask("Critical: there is an outage"));
    let incident =
        answer["record"]["signals"].as_array().expect("a list").iter().find(|found| found["signal"] == "event");
    let incident = incident.expect("the event is found");
    let sure = incident["confidence"].as_f64().expect("a number");
    assert!((sure - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-4, "two criteria of three: {sure}");
    assert_eq!(incident["detail"], "event type, severity");
    for (metadata, expected) in [
        (json!({"tier": "gold"}), &["gold", "tenantless"][..]),
        (json!({"tier": "tin", "tenant": "acme"}), &[]),
        (json!(null), &["tenantless"]),
    ] {
        let mut body = ask("hello");
        body["metadata"] = metadata;
        assert_eq!(found("metadata", &body), expected, "{body}");
    }
}

#[test]
fn the_language_is_told() {
    for (text, expected) in [
        ("Why is the sky blue?", &["en"][..]),
        ("Warum ist der Himmel blau?", &["de"]),
        ("天空为什么是蓝色的？", &["zh"]),
        ("Pourquoi le ciel est-il bleu ?", &[]),
        ("", &["en"]),
    ] {
        assert_eq!(found("language", &ask(text)), expected, "{text}");
    }
}

/// Roles decide; somebody in front says who the user is.
const ROLES: &str = "
version: v0.3
providers:
  defaults: {default_model: base}
  models:
    - {name: base, backend_refs: [{endpoint: 'base:8000'}]}
    - {name: strong, backend_refs: [{endpoint: 'strong:8000'}]}
routing:
  modelCards: [{name: base}, {name: strong}]
  signals:
    role_bindings:
      - {name: staff, role: admin, subjects: [{kind: User, name: ann}, {kind: Group, name: ops}]}
      - {name: guests, role: guest, subjects: [{kind: Group, name: guests}]}
  decisions:
    - {name: admins, rules: {type: authz, name: admin}, modelRefs: [{model: strong}]}
    - {name: guests, rules: {type: authz, name: guest}, modelRefs: [{model: base}]}
";

#[test]
fn roles_come_from_the_identity_that_is_vouched_for() {
    let trusted = "global: {services: {authz: {identity: {user_id_header: x-authz-user-id}}}}\n";
    let trusted = format!("{ROLES}{trusted}");
    for (headers, decision) in [
        (&["x-authz-user-id=ann"][..], Some("admins")),
        (&["x-authz-user-id=bob", "x-authz-user-groups=dev, ops"], Some("admins")),
        (&["x-authz-user-id=bob", "x-authz-user-groups=guests"], Some("guests")),
        (&["x-authz-user-id=bob"], None),
    ] {
        let arguments: Vec<&str> = headers.iter().flat_map(|header| ["--header", header]).collect();
        let answer = explained_with(&trusted, &arguments, &ask("hello"));
        assert_eq!(answer["record"]["decision"].as_str(), decision, "{headers:?}");
    }
    let answer = explained_with(&trusted, &[], &ask("hello"));
    assert_eq!(answer["status"], 403, "nobody is refused");
    let spoofed = explained_with(ROLES, &["--header", "x-authz-user-id=ann"], &ask("hello"));
    assert_eq!(spoofed["status"], 403, "nobody vouches for the header");
    let open = format!("{ROLES}global: {{services: {{authz: {{fail_open: true}}}}}}\n");
    let answer = explained_with(&open, &[], &ask("hello"));
    assert_eq!((&answer["record"]["decision"], &answer["body"]["model"]), (&Value::Null, &json!("base")));
}
