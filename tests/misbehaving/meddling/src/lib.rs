//! A request plugin that does what a test wrote into it, and sets one header when that is nothing.
#![allow(clippy::panic, reason = "it is here to misbehave")]

use trackside_sdk::{
    Component, Edit, Failure, FieldValue, NoSettings, Reply, RequestHead, RequestPlugin, Route, Verdict, failure,
};

#[path = "../../acts.rs"]
mod acts;
#[path = "../../mark.rs"]
mod mark;

/// See the crate.
#[derive(Debug)]
pub struct Meddling;

impl Component for Meddling {
    type Settings = NoSettings;
    const SERVES: &'static str = "meddling";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        mark::pass("configure");
        Ok(Self)
    }
}

impl RequestPlugin for Meddling {
    fn on_request(&self, head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        let mark = mark::at("call").filter(|mark| mark.when.is_none_or(|word| head.text.contains(word)));
        let Some(mark) = mark else { return Ok(Verdict::Proceed(vec![header("x-meddled", "a little")])) };
        Ok(Verdict::Proceed(match mark.does {
            "break-json" => vec![field(&["metadata"], "{\"half\": "), field(&["temperature"], "1}, \"x\": {")],
            "lose-the-path" => vec![field(&[], "{}"), Edit::RemoveField(Vec::new())],
            "dig-deep" => vec![field(&["deeper"; 10_000], "1")],
            "inject-headers" => vec![header("x-meddled", "a\r\nx-admin: yes"), header("x-a\r\nx-admin", "yes")],
            "take-over-headers" => {
                [":authority", "content-length", "host", "x-vsr-selected-model", "transfer-encoding"]
                    .map(|name| header(name, "1"))
                    .into()
            }
            "preach" => vec![Edit::SetSystemPrompt("word ".repeat(600_000))],
            "speak-tongues" => vec![Edit::Other(("teleport".to_owned(), "now".to_owned()))],
            "answer-absurdly" => return Ok(Verdict::Respond(absurd())),
            "fail" => return Err(failure("internal", "it did not work out")),
            does => {
                acts::act(does);
                return Err(failure("unknown-deed", does));
            }
        }))
    }
}

fn header(name: &str, value: &str) -> Edit {
    Edit::SetHeader((name.to_owned(), value.to_owned()))
}

fn field(path: &[&str], json: &str) -> Edit {
    Edit::SetField(FieldValue { path: path.iter().map(ToString::to_string).collect(), json: json.to_owned() })
}

fn absurd() -> Reply {
    let headers = vec![("content-length".to_owned(), "7".to_owned()), ("a\r\nb".to_owned(), "c\r\nd".to_owned())];
    Reply { status: 7, headers, body: "no".to_owned() }
}

trackside_sdk::export!(request-plugin: Meddling);
