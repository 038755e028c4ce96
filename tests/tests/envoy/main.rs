//! Trackside behind a real Envoy: every body mode, HTTP/1 and HTTP/2. One module per promise.

#[macro_use]
mod ways;

mod agentgateway;
mod aibrix;
mod answers;
mod attached;
mod bodies;
mod bounds;
mod chains;
mod clients;
mod encodings;
mod failures;
mod identity;
mod lifecycle;
mod limits;
mod local;
mod overrides;
mod passage;
mod pieces;
mod refusals;
mod routes;
mod seed_prompts;
mod streams;
mod trust;

use serde_json::json;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use tempfile::NamedTempFile;
use trackside_tests::{
    Message, Plan, Shared, Stage,
    mode::{MODES, TWISTED},
    place,
};

/// The router of most tests: keywords decide, so nothing depends on what a model finds similar.
static PLAIN: Shared = LazyLock::new(|| {
    let plan = Plan::new(&place::root().join("tests/tests/envoy/router.yaml"), &["large", "s"]);
    Stage::share(|| Some(plan.with_modes([MODES.as_slice(), &TWISTED].concat())))
});

/// AIBrix's published configuration.
static AIBRIX: Shared =
    LazyLock::new(|| Stage::share(|| Some(Plan::new(&shared_config("aibrix.yaml")?, &["qwen3-8b"]))));

/// The preset for agentgateway.
static AGENTGATEWAY: Shared = LazyLock::new(|| {
    let adapters = agentgateway::LAB.map(|(_, _, adapter)| adapter);
    Stage::share(move || Some(Plan::new(&shared_config("agentgateway.yaml")?, &adapters)))
});

async fn plain() -> Option<Stage> {
    Stage::visit(&PLAIN).await
}

async fn aibrix() -> Option<Stage> {
    Stage::visit(&AIBRIX).await
}

async fn agentgateway() -> Option<Stage> {
    Stage::visit(&AGENTGATEWAY).await
}

/// A configuration from the field as it is, and more time for its components behind it: a busy machine must not decide.
fn shared_config(name: &str) -> Option<PathBuf> {
    let mut config = std::fs::read_to_string(place::shared_config(name)?).expect("the configuration can be read");
    config.push_str("\ncomponents:\n  use:\n");
    for kind in ["ask", "domain", "keyword", "priority", "reasoning", "static", "system_prompt"] {
        writeln!(config, "    - {{type: {kind}, limits: {{deadline: 20s}}}}").expect("a text takes more text");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let written = NamedTempFile::new_in(folder).expect("a temporary file can be made");
    std::fs::write(&written, config).expect("it can be written");
    written.persist(folder.join(name)).expect("it can be renamed");
    Some(folder.join(name))
}

/// A chat completion for the model `auto`, with one user message.
fn ask(prompt: &str) -> Message {
    Message::chat(json!({"model": "auto", "messages": [{"role": "user", "content": prompt}]}).to_string())
}

/// A prompt that a keyword leads to the model `large`, with a system prompt.
const THINKING: &str = "Walk me through how to structure a business merger proposal.";
/// A prompt that a keyword leads to the model `s`, with nothing else.
const BRIEF: &str = "In one word: which ocean is the largest?";
