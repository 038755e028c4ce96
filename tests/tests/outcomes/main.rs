//! Every outcome that v0.3 knows for a request, through the real executable: what is found in it, which decision, which
//! model, what is written in the body.

mod decisions;
mod meaning;

use serde_json::Value;
use std::io::Write as _;
use std::process::Command;
use trackside_tests::place;

/// What the executable says it would do with a request.
fn explained(config: &str, body: &Value) -> Value {
    let (config, body) = (written(config), written(&body.to_string()));
    let output = Command::new(place::trackside())
        .args(["explain", "--format", "json", "--config"])
        .arg(config.path())
        .arg("--request")
        .arg(body.path())
        .output()
        .expect("trackside runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the explanation is JSON")
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file to write to");
    file.write_all(text.as_bytes()).expect("it is written");
    file
}
