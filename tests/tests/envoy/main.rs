//! Trackside behind a real Envoy: every body mode, HTTP/1 and HTTP/2. One module per promise.

mod agentgateway;
mod aibrix;
mod answers;
mod passage;
mod refusals;
mod seed_prompts;

use trackside_tests::{Message, Stage, place};

/// The configuration of the tests that need no particular one.
async fn example(routes: &[&str]) -> Option<Stage> {
    Stage::start(&place::root().join("examples/envoy-aibrix/router.yaml"), routes).await
}

/// A chat completion for the model `auto`, with one user message.
fn ask(prompt: &str) -> Message {
    let content = serde_json::Value::from(prompt);
    Message::chat(format!(r#"{{"model":"auto","messages":[{{"role":"user","content":{content}}}]}}"#))
}

/// A prompt that a keyword routes, whatever tells the domains.
const THINKING: &str = "Walk me through how to structure a business merger proposal.";
