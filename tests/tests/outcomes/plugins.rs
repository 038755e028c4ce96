//! What plugins make of a request that a decision takes.

use crate::explained;
use serde_json::{Value, json};

/// A file whose only decision takes everything, with these plugins.
fn with(plugins: &str) -> String {
    format!(
        "version: v0.3
providers:
  defaults: {{default_model: base}}
  models: [{{name: base, backend_refs: [{{endpoint: 'base:8000'}}]}}]
routing:
  decisions:
    - name: all
      rules: {{}}
      modelRefs: [{{model: base}}]
      plugins:
{plugins}
"
    )
}

fn explain(plugins: &str, body: &Value) -> Value {
    let answer = explained(&with(plugins), body);
    assert_eq!(answer["record"]["degraded"], json!([]), "{plugins}");
    answer
}

fn ask(text: &str) -> Value {
    json!({"model": "auto", "messages": [{"role": "user", "content": text}]})
}

#[test]
fn a_fast_response_answers_at_once_in_the_shape_that_the_client_reads() {
    let plugins = "        - {type: fast_response, configuration: {message: 'I cannot help with that.'}}";
    let answer = explain(plugins, &ask("hello"));
    assert_eq!((&answer["status"], &answer["record"]["reason_code"]), (&json!(200), &json!("plugin_reply")));
    let body = &answer["body"];
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("auto")));
    assert_eq!(body["choices"][0]["message"]["content"], "I cannot help with that.");
    let mut streaming = ask("hello");
    streaming["stream"] = json!(true);
    let answer = explain(plugins, &streaming);
    let events = answer["body"].as_str().expect("events are text");
    let events = events.split_terminator("\n\n");
    let mut chunks: Vec<&str> = events.map(|event| event.strip_prefix("data: ").expect("an event has data")).collect();
    assert_eq!(chunks.pop(), Some("[DONE]"));
    let chunks: Vec<Value> =
        chunks.into_iter().map(|chunk| serde_json::from_str(chunk).expect("a chunk is JSON")).collect();
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "I cannot help with that.");
    let kind =
        answer["headers"].as_array().expect("there are headers").iter().find(|header| header[0] == "content-type");
    assert_eq!(kind.expect("there is a content type")[1], "text/event-stream");
}

#[test]
fn a_fast_response_needs_no_model() {
    let config = "
version: v0.3
providers: {models: []}
routing:
  signals: {keywords: [{name: secret, operator: OR, keywords: [password]}]}
  decisions:
    - name: no_secrets
      rules: {type: keyword, name: secret}
      plugins: [{type: fast_response, configuration: {message: 'No.'}}]
";
    let answer = explained(config, &ask("What is the password?"));
    assert_eq!((&answer["status"], &answer["body"]["choices"][0]["message"]["content"]), (&json!(200), &json!("No.")));
    assert_eq!(explained(config, &ask("What is the time?"))["status"], 400);
}

#[test]
fn headers_are_set_and_removed() {
    let plugins = "        - type: header_mutation
          configuration:
            add: [{name: X-Team, value: maths}]
            update: [{name: x-tier, value: gold}]
            delete: [x-debug]";
    let answer = explain(plugins, &ask("hello"));
    let set = answer["set_headers"].as_array().expect("headers are set");
    assert!(set.contains(&json!(["x-team", "maths"])) && set.contains(&json!(["x-tier", "gold"])), "{set:?}");
    assert_eq!(answer["remove_headers"], json!(["x-debug"]));
}

#[test]
fn headers_of_the_gateway_and_the_router_are_not_changed() {
    let plugins = "        - {type: header_mutation, configuration: {add: [{name: host, value: evil}, {name: x-ok, value: v}, {name: x-selected-model, value: m}]}}";
    let answer = explained(&with(plugins), &ask("hello"));
    assert_eq!(answer["record"]["degraded"], json!(["header_mutation: edit_refused", "header_mutation: edit_refused"]));
    assert_eq!(answer["set_headers"], json!([["x-selected-model", "base"], ["x-ok", "v"]]));
}

#[test]
fn parameters_are_removed_and_limited() {
    let plugins = "        - {type: request_params, configuration: {blocked_params: [logprobs], max_tokens_limit: 100, max_n: 1, strip_unknown: true}}";
    let mut body = ask("hello");
    for (name, value) in [
        ("logprobs", json!(true)),
        ("max_tokens", json!(500)),
        ("n", json!(4)),
        ("seed", json!(7)),
        ("vendor", json!({})),
    ] {
        body[name] = value;
    }
    let after = &explain(plugins, &body)["body"];
    let mut expected = json!({"model": "base", "messages": body["messages"], "max_tokens": 100, "n": 1, "seed": 7});
    assert_eq!(after.as_object().map(serde_json::Map::len), Some(5), "{after}");
    for (name, value) in expected.as_object_mut().expect("an object") {
        assert_eq!(after[name], *value, "{name}");
    }
}

fn offering(choice: Value) -> Value {
    let tool = |name: &str, does: &str| json!({"type": "function", "function": {"name": name, "description": does}});
    let mut body = ask("What will the weather be like in Lisbon tomorrow?");
    body["tools"] = json!([
        tool("send_email", "Sends an email to a colleague"),
        tool("get_weather", "Tells the weather forecast for a city and a day"),
        tool("run_sql", "Runs a query against the sales database"),
    ]);
    body["tool_choice"] = choice;
    body
}

fn tools(answer: &Value) -> Vec<&str> {
    let tools = answer["body"]["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).collect()
}

#[test]
fn tools_are_kept_blocked_or_taken_away() {
    for (configuration, expected) in [
        ("{}", &["send_email", "get_weather", "run_sql"][..]),
        ("{mode: filtered, block_tools: [run_sql]}", &["send_email", "get_weather"]),
        ("{mode: filtered, allow_tools: [run_sql, other]}", &["run_sql"]),
        ("{mode: none}", &[]),
    ] {
        let answer =
            explain(&format!("        - {{type: tools, configuration: {configuration}}}"), &offering(json!("auto")));
        assert_eq!(tools(&answer), expected, "{configuration}");
        let choice = if expected.is_empty() { Value::Null } else { json!("auto") };
        assert_eq!(answer["body"]["tool_choice"], choice, "{configuration}");
    }
}

#[test]
fn tool_history_goes_with_the_tools() {
    let mut body = offering(json!("auto"));
    let user = body["messages"][0].clone();
    let call = json!({"role": "assistant", "content": "let me see", "tool_calls": [{"id": "1", "type": "function"}]});
    let result = json!({"role": "tool", "tool_call_id": "1", "content": "sunny"});
    body["messages"] = json!([user, call, result, user]);
    let answer = explain("        - {type: tools, configuration: {mode: none, strip_tool_history: true}}", &body);
    let said = json!({"role": "assistant", "content": "let me see"});
    assert_eq!(answer["body"]["messages"], json!([user, said, user]));
}

/// Time enough for the model on a busy machine.
fn patient(kind: &str, configuration: &str, more: &str) -> String {
    let plugins = format!("        - {{type: {kind}, configuration: {configuration}}}");
    format!("{}components: {{use: [{{type: {kind}, limits: {{deadline: 1900ms}}{more}}}]}}\n", with(&plugins))
}

#[test]
fn tools_are_picked_by_what_the_request_is_about() {
    let picked = |configuration: &str, choice: Value| {
        let answer = explained(&patient("tool_selection", configuration, ""), &offering(choice));
        assert_eq!(answer["record"]["degraded"], json!([]), "{configuration}");
        tools(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let filter = "{mode: filter, relevance_threshold: 0.3}";
    assert_eq!(picked(filter, json!("auto")), ["get_weather"]);
    assert_eq!(picked(filter, Value::Null), ["get_weather"]);
    assert_eq!(picked(filter, json!("required")).len(), 3, "the client chooses");
    assert_eq!(picked("{mode: filter, relevance_threshold: 0.99, preserve_count: 1}", json!("auto")), ["get_weather"]);
}

#[test]
fn tools_come_from_a_database() {
    let mut database = tempfile::NamedTempFile::new().expect("a file to write to");
    let entry =
        |name: &str, does: &str| json!({"tool": {"type": "function", "function": {"name": name}}, "description": does});
    let entries = json!([
        entry("forecast", "Weather forecast: temperature and rain for a city"),
        entry("translate", "Translates a text into another language"),
        entry("flights", "Searches flights between two airports"),
    ]);
    std::io::Write::write_all(&mut database, entries.to_string().as_bytes()).expect("it is written");
    let artefact = format!(", artefact: {:?}", database.path());
    let config = |kind: &str, configuration: &str| patient(kind, configuration, &artefact);
    let added = explained(&config("tool_selection", "{mode: add, top_k: 1}"), &offering(json!("auto")));
    assert_eq!(tools(&added), ["send_email", "get_weather", "run_sql", "forecast"]);
    let replaced = explained(&config("tools", "{top_k: 1}"), &offering(json!("auto")));
    assert_eq!(tools(&replaced), ["forecast"]);
    assert_eq!(added["record"]["degraded"], json!([]));
}
