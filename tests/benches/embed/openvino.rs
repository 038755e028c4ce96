//! OpenVINO's static int8, in a Python process of its own on the same core, asked in the same turns.

use crate::peer::Peer;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

pub const NAME: &str = "openvino int8";

struct OpenVino {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// `None` where it did not install.
pub fn start(place: &Path) -> Option<Box<dyn Peer>> {
    let model = place.join("openvino.xml");
    if !model.exists() {
        println!("OpenVINO is not installed here");
        return None;
    }
    let mut child = Command::new(place.join("venv/bin/python"))
        .args([Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/embed/openvino_peer.py"), model])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let questions = child.stdin.take().expect("its input");
    let answers = BufReader::new(child.stdout.take().expect("its output"));
    let mut peer = OpenVino { child, questions, answers };
    println!("OpenVINO: {}, asked from Python", peer.answer());
    Some(Box::new(peer))
}

impl OpenVino {
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Peer for OpenVino {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&mut self, texts: &[&[u32]]) -> Vec<(Duration, Vec<f32>)> {
        writeln!(self.questions, "{}", json!(texts)).expect("a process that reads");
        let answer = self.answer();
        let number = |value: &Value| value.as_f64().expect("a number");
        let list = |name: &str| answer[name].as_array().expect("a list").clone();
        let vector = |value: &Value| value.as_array().expect("numbers").iter().map(|v| number(v) as f32).collect();
        list("seconds")
            .iter()
            .zip(&list("vectors"))
            .map(|(seconds, numbers)| (Duration::from_secs_f64(number(seconds)), vector(numbers)))
            .collect()
    }
}

impl Drop for OpenVino {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
