//! `schema`, `validate --explain` and `--strict`: what users and editors are told about the file.

use crate::process::{file, run};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_schema_in_the_repository_is_the_one_that_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/schema/trackside.schema.json");
    let printed = stdout(&run(&["schema"]));
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(printed == there, "it is out of date: cargo run -- schema > config/schema/trackside.schema.json");
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    // What a built-in component says about its own settings.
    let keyword = &schema["$defs"]["signal-keyword"]["properties"];
    assert!(keyword["keywords"]["description"].as_str().is_some_and(|text| !text.is_empty()), "{keyword:#}");
}

#[test]
fn every_code_is_explained() {
    let list = stdout(&run(&["validate", "--explain"]));
    assert_eq!(list, stdout(&run(&["validate", "--explain", "list"])));
    assert!(
        list.lines().count() > 70 && list.contains("E0103  a decision names a model that nothing defines\n"),
        "{list}"
    );
    let text = stdout(&run(&["validate", "--explain", "e0103"]));
    assert!(text.starts_with("E0103: ") && text.contains("```yaml\n") && text.contains("\nFix: "), "{text}");
    let json: Value =
        serde_json::from_str(&stdout(&run(&["validate", "--explain", "W0401", "--format", "json"]))).unwrap();
    assert_eq!(json["code"], "W0401");
    let unknown = run(&["validate", "--explain", "E9999"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--explain list"));
}

#[test]
fn keys_that_nobody_knows_are_errors_when_asked() {
    let config = "\
routing:
  signals:
    keywords: [{name: a, operator: OR, keywords: [x], case_sensitiv: true}]
  decisions:
    - {name: d, descripton: x, rules: {type: keyword, name: a}}
providers: {defaults: {default_model: small}}
";
    let path = file("schema/slips.yaml", config);
    let path = path.to_str().unwrap();
    let report = |arguments: &[&str]| -> Value {
        let output = run(&[&["validate", path, "--format", "json"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let severities = |report: &Value| -> Vec<(String, String)> {
        let of = |d: &Value| (d["code"].as_str().unwrap().to_owned(), d["severity"].as_str().unwrap().to_owned());
        report["diagnostics"].as_array().unwrap().iter().map(of).collect()
    };
    let pairs = |severity: &str| [("W0401", severity), ("W0101", severity)].map(|(c, s)| (c.to_owned(), s.to_owned()));
    let (tolerant, strict) = (report(&[]), report(&["--strict"]));
    assert_eq!((&tolerant["ok"], severities(&tolerant)), (&Value::Bool(true), pairs("warning").to_vec()));
    assert_eq!((&strict["ok"], severities(&strict)), (&Value::Bool(false), pairs("error").to_vec()));
    let refused = run(&[
        "serve",
        "--strict",
        "--config",
        path,
        "--extproc",
        "127.0.0.1:0",
        "--api",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
}
