//! What a component has to come through before it serves.

use crate::written;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use trackside_tests::place;

const MISBEHAVING: &str = concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm");

/// A file in which a decision needs the misbehaving signal.
fn configuration(deed: &str, source: &Path) -> String {
    let source = source.display();
    format!(
        "version: v0.3
providers:
  defaults: {{default_model: small}}
  models: [{{name: small, backend_refs: [{{name: small, endpoint: \"127.0.0.1:9\"}}]}}]
routing:
  modelCards: [{{name: small}}]
  signals:
    misbehaving:
      - {{name: odd, does: {deed}}}
  decisions:
    - name: odd
      modelRefs: [{{model: small}}]
      rules: {{operator: OR, conditions: [{{type: misbehaving, name: odd}}]}}
components:
  use:
    - {{type: misbehaving, source: {source}, grants: [embeddings, neighbours, key-value], limits: {{deadline: 300ms}}}}
"
    )
}

/// The errors of a file: code, line and message.
fn errors(config: &str) -> Vec<(String, u64, String)> {
    let config = written(config);
    let mut command = Command::new(place::trackside());
    let output = command.args(["validate", "--format", "json"]).arg(config.path()).output().expect("trackside runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let diagnostics = report["diagnostics"].as_array().unwrap_or_else(|| panic!("no diagnostics: {report}"));
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic["severity"] == "error");
    let text = |error: &Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
    errors.map(|error| (text(error, "code"), error["line"].as_u64().unwrap_or(0), text(error, "message"))).collect()
}

#[test]
fn a_component_that_fails_on_every_request_is_refused_where_its_rule_stands() {
    for (deed, how) in [
        ("trap", "failed on a request made up to try it: trapped"),
        ("spin", "passed its deadline of 300 ms 3 times on a request made up to try it"),
        ("allocate", "wanted more than its 16777216 bytes of memory on a request made up to try it"),
    ] {
        let found = errors(&configuration(deed, Path::new(MISBEHAVING)));
        let [(code, line, message)] = &found[..] else { panic!("{deed}: {found:?}") };
        assert_eq!((code.as_str(), *line), ("E0431", 9), "{deed}: {message}");
        assert!(message.starts_with("signal component \"misbehaving\"") && message.contains(how), "{deed}: {message}");
    }
    assert_eq!(errors(&configuration("match", Path::new(MISBEHAVING))), []);
    assert_eq!(errors(&configuration("fail", Path::new(MISBEHAVING))), [], "to say that it cannot help is an answer");
}

#[test]
fn cases_beside_a_component_have_to_hold() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let wasm = folder.path().join("odd.wasm");
    std::fs::copy(MISBEHAVING, &wasm).expect("it can be copied");
    let cases = |rule: &str| {
        let settings = json!({"rules": [{"name": "a", "does": "match"}]});
        json!([{"name": "it matches", "settings": settings, "expect": {"matches": [{"rule": rule}]}}]).to_string()
    };
    let beside = folder.path().join("odd.cases.json");
    std::fs::write(&beside, cases("a")).expect("it can be written");
    assert_eq!(errors(&configuration("match", &wasm)), []);
    std::fs::write(&beside, cases("b")).expect("it can be written");
    let found = errors(&configuration("match", &wasm));
    let [(code, line, message)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((code.as_str(), *line), ("E0432", 16));
    assert!(message.contains("its case \"it matches\" fails: out came a (confidence 1"), "{message}");
}
