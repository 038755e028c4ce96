//! Every outcome that v0.3 knows for a request, through the real executable: what is found in it, which decision, which
//! model, what is written in the body.

mod decisions;
mod facts;
mod human;
mod meaning;
mod plugins;
mod probing;
mod profiles;
mod similarity;

use serde_json::Value;
use std::io::Write as _;
use std::process::Command;
use trackside_tests::place;

/// What the executable says it would do with a request.
fn explained(config: &str, body: &Value) -> Value {
    explained_with(config, &[], body)
}

/// The same with further arguments. On a busy machine a component may run out of time, which says nothing about its answer.
fn explained_with(config: &str, arguments: &[&str], body: &Value) -> Value {
    let late = |answer: &Value| answer["record"]["degraded"].to_string().contains("deadline");
    let mut answers = std::iter::repeat_with(|| asked(config, arguments, body)).take(5);
    let first = answers.next().expect("an answer");
    if late(&first) { answers.find(|answer| !late(answer)).unwrap_or(first) } else { first }
}

fn asked(config: &str, arguments: &[&str], body: &Value) -> Value {
    let (config, body) = (written(config), written(&body.to_string()));
    let output = Command::new(place::trackside())
        .args(["explain", "--format", "json", "--config"])
        .arg(config.path())
        .arg("--request")
        .arg(body.path())
        .args(arguments)
        .output()
        .expect("trackside runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the explanation is JSON")
}

/// What the executable says about a file that cannot be served.
fn refused(config: &str) -> String {
    let config = written(config);
    let output = Command::new(place::trackside()).arg("validate").arg(config.path()).output().expect("trackside runs");
    assert!(!output.status.success(), "it is served");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file to write to");
    file.write_all(text.as_bytes()).expect("it is written");
    file
}
