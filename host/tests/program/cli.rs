//! The command line: help, `validate`, `explain`, and exit codes.

use crate::process::{BROKEN, file, run};
use serde_json::Value;
use std::process::Output;

const DERIVATIVE: &str = "What is the derivative of x^3?";

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn help_lists_the_commands_and_each_command_shows_examples() {
    let help = run(&["--help"]);
    assert_eq!(code(&help), 0);
    for command in ["serve", "validate", "explain", "eval", "model", "generations", "reload", "component"] {
        assert!(stdout(&help).contains(command), "{command} is missing in\n{}", stdout(&help));
        let help = run(&[command, "--help"]);
        assert_eq!(code(&help), 0);
        assert!(stdout(&help).contains("Examples:"), "{command} shows no examples");
    }
    assert!(stdout(&run(&["--version"])).starts_with("trackside "));
}

#[test]
fn a_wrong_command_line_exits_with_64() {
    for arguments in [&[][..], &["serv"], &["serve", "--extproc", "nowhere"], &["explain"], &["serve", "--log", "a=b"]]
    {
        let output = run(arguments);
        assert_eq!(code(&output), 64, "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn the_built_in_configuration_is_valid_without_a_word() {
    let output = run(&["validate", "../config/router.yaml"]);
    assert_eq!((code(&output), stdout(&output)), (0, "../config/router.yaml: ok\n"), "{}", stderr(&output));
}

#[test]
fn a_broken_file_is_reported_whole() {
    let path = file("cli/broken.yaml", BROKEN);
    let output = run(&["validate", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("broken.yaml:14:"), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("2 errors\n"), "{}", stdout(&output));

    let output = run(&["validate", "--format", "json", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<_> = report["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!((&report["ok"], codes), (&false.into(), vec!["E0106", "E0103"]));
}

#[test]
fn settings_are_checked_against_the_schema_of_their_component() {
    let text = include_str!("../../../config/router.yaml")
        .replace("operator: OR\n        keywords: [step", "operator: XOR\n        keywords: [step");
    let path = file("cli/operator.yaml", text);
    let output = run(&["validate", "--format", "json", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &report["diagnostics"][0];
    assert!(found["message"].as_str().unwrap().contains("keyword"), "{found}");
    assert!(found["line"].as_u64().is_some(), "{found}");
}

#[test]
fn a_file_that_is_not_there_exits_with_69() {
    for arguments in
        [&["validate", "no.yaml"][..], &["serve", "--config", "no.yaml"], &["explain", "--request", "no.json"]]
    {
        let output = run(arguments);
        assert_eq!(code(&output), 69, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("no."), "{}", stderr(&output));
    }
}

#[test]
fn explain_shows_math_and_why() {
    let output = run(&["explain", DERIVATIVE]);
    let text = stdout(&output);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(text.starts_with("profile    default\ndecision   math "), "{text}");
    for part in [
        "domain:math",
        "reasoning-model",
        "Decisions matched",
        "Component calls",
        "system prompt  added",
        "embedding  all-MiniLM-L6-v2 (bert, ",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn explain_gives_programs_the_record_and_the_rewritten_body() {
    let explained = json(&run(&["explain", "--format", "json", DERIVATIVE]));
    let record = &explained["record"];
    assert_eq!(explained["action"], "forward");
    assert_eq!((&record["decision"], &record["category"]), (&"math".into(), &"math".into()));
    assert_eq!(record["reason_code"], "auto_routing");
    let calls = record["calls"].as_array().unwrap();
    assert!(calls.iter().any(|call| call["component"] == "domain" && call["digest"].as_str().unwrap().len() == 12));
    let body = &explained["body"];
    assert_eq!(body["model"], "reasoning-model");
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1]["content"], DERIVATIVE);
    assert_eq!(body["chat_template_kwargs"]["enable_thinking"], true);
}

#[test]
fn explain_takes_a_whole_request_and_headers() {
    let body = r#"{"model": "fast-model", "messages": [{"role": "user", "content": "hello"}], "n": 1.0}"#;
    let path = file("cli/request.json", body);
    let arguments = ["explain", "--format", "json", "--header", "x-tenant=gold", "--request", path.to_str().unwrap()];
    let explained = json(&run(&arguments));
    assert_eq!(explained["record"]["reason_code"], "model_specified");
    assert_eq!(explained["body"]["model"], "fast-model");
}

#[test]
fn explain_shows_a_refusal_as_the_client_would_see_it() {
    let path = file("cli/unknown.json", r#"{"model": "gpt-9", "messages": [{"role": "user", "content": "hello"}]}"#);
    let explained = json(&run(&["explain", "--format", "json", "--request", path.to_str().unwrap()]));
    assert_eq!((&explained["action"], &explained["status"]), (&"respond".into(), &400.into()));
    assert!(explained["body"]["error"]["message"].as_str().unwrap().contains("gpt-9"));
}

/// A configuration that asks for an embedding model.
fn embedding(name: &str, path: &str, more: &str) -> std::path::PathBuf {
    let block = format!(
        "global:\n  model_catalog:\n    embeddings:\n      semantic:\n        bert_model_path: {path}\n        \
         embedding_config: {{model_type: bert{more}}}\n"
    );
    file(name, format!("{}\n{block}", include_str!("../../../config/router.yaml")))
}

#[test]
fn a_configured_model_serves_and_an_absent_one_is_told() {
    let path = embedding("cli/absent.yaml", "./nowhere", "");
    let output = run(&["validate", path.to_str().unwrap()]);
    let told = stdout(&output);
    assert_eq!(code(&output), 0, "{told}");
    assert!(told.contains("W0421") && told.contains("nowhere: the embedded model serves instead"), "{told}");

    let tiny = crate::hub::tiny();
    let path = embedding("cli/tiny.yaml", tiny.to_str().unwrap(), ", target_dimension: 8, precision: fp32");
    let output = run(&["validate", path.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(!stdout(&output).contains("W0421"), "{}", stdout(&output));
    let explained = json(&run(&["explain", "--config", path.to_str().unwrap(), "--format", "json", DERIVATIVE]));
    let embedding = &explained["embedding"];
    assert_eq!((&embedding["model"], &embedding["precision"]), (&"bert".into(), &"fp32".into()), "{embedding}");
    assert_eq!(embedding["dimensions"], 8, "{embedding}");
}

#[test]
fn a_configured_model_that_cannot_be_loaded_is_an_error_at_its_place() {
    let folder = file("cli/broken-model/config.json", "{}");
    let path = embedding("cli/broken-model.yaml", folder.parent().unwrap().to_str().unwrap(), "");
    let output = run(&["validate", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    assert!(stdout(&output).contains("error[E0421]") && stdout(&output).contains("--> "), "{}", stdout(&output));
}
