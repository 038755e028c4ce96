//! Records conversations between a real Envoy and this crate's service into `tests/golden/`, and fails if Envoy
//! minded anything.
//!
//! ```text
//! cargo run -p trackside-extproc --example record -- ENVOY_EXECUTABLE host/extproc/tests/golden
//! ```
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a broken recording may stop")]

mod client;
mod envoy;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/extproc/recording.rs"]
mod recording;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/extproc/script.rs"]
mod script;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../../tests/extproc/stand_in.rs"]
mod stand_in;
mod tap;
mod upstream;

use client::{Got, Sent};
use envoy::{Envoy, Listener};
use std::{collections::BTreeMap, fs, path::Path};
use trackside_extproc::Limits;
use upstream::Reached;

/// What comes of a request.
type Result = (Got, Option<Reached>);

/// One exchange to record: its file, the listener it goes through, what is sent, and what has to come of it.
struct Scene {
    name: &'static str,
    listener: Listener,
    sent: Sent,
    result: Result,
}

const CALL: Sent =
    Sent { http2: false, method: "POST", path: "/v1/chat/completions", body: &["auto one"], trailers: false, want: "" };
const CHOSEN: Result = (Got { status: 200, decided: true }, Some(Reached { model: "chosen", body: "chosen one" }));

/// A request that goes through, with no word about the decision.
fn plain(model: &'static str, body: &'static str) -> Result {
    (Got { status: 200, decided: false }, Some(Reached { model, body }))
}

/// A request that must not go through.
fn stopped(status: u16) -> Result {
    (Got { status, decided: false }, None)
}

#[rustfmt::skip]
fn scenes() -> Vec<Scene> {
    let http2 = Sent { http2: true, ..CALL };
    let cut = Sent { body: &["auto", " ", "one"], ..CALL };
    let cut2 = Sent { http2: true, ..cut };
    let trailers = Sent { trailers: true, ..cut };
    let trailers2 = Sent { http2: true, ..trailers };
    let refused = Sent { body: &["bad"], ..http2 };
    let unchanged = Sent { body: &["keep it"], ..http2 };
    let untouched = Sent { body: &["pass it"], ..http2 };
    let other = Sent { path: "/v1/embeddings", ..cut2 };
    let get = Sent { method: "GET", path: "/v1/models", body: &[], ..CALL };
    let events = Sent { want: "events", ..http2 };
    let fails = Sent { want: "error", ..http2 };
    let failed = (Got { status: 503, decided: false }, CHOSEN.1);
    [
        ("buffered-http1", Listener::Buffered, CALL, CHOSEN),
        ("buffered-http1-trailers", Listener::Buffered, trailers, CHOSEN),
        ("buffered-http2", Listener::Buffered, http2, CHOSEN),
        ("buffered-http2-trailers", Listener::Buffered, trailers2, CHOSEN),
        ("buffered-refused", Listener::Buffered, refused, stopped(400)),
        ("buffered-unchanged", Listener::Buffered, unchanged, plain("kept", "keep it")),
        ("buffered-untouched", Listener::Buffered, untouched, plain("", "pass it")),
        ("buffered-get", Listener::Buffered, get, plain("", "")),
        ("buffered-other", Listener::Buffered, other, plain("", "auto one")),
        ("buffered-events", Listener::Buffered, events, CHOSEN),
        ("buffered-error", Listener::Buffered, fails, failed),
        ("buffered-fixed-trailers", Listener::BufferedFixed, trailers2, CHOSEN),
        ("buffered-fixed-other", Listener::BufferedFixed, other, plain("", "auto one")),
        ("denied", Listener::Denied, http2, stopped(403)),
        ("none-http1", Listener::None, CALL, CHOSEN),
        ("none-http2", Listener::None, http2, CHOSEN),
        ("observed", Listener::Observed, http2, plain("mine", "auto one")),
        ("partial", Listener::Partial, http2, CHOSEN),
        ("streamed-other", Listener::Streamed, other, plain("", "auto one")),
        ("duplex-request-http1", Listener::DuplexRequest, cut, CHOSEN),
        ("duplex-request-http2", Listener::DuplexRequest, http2, CHOSEN),
        ("duplex-request-refused", Listener::DuplexRequest, refused, stopped(400)),
        ("duplex-http1", Listener::Duplex, cut, CHOSEN),
        ("duplex-http1-trailers", Listener::Duplex, trailers, CHOSEN),
        ("duplex-http2", Listener::Duplex, cut2, CHOSEN),
        ("duplex-http2-trailers", Listener::Duplex, trailers2, CHOSEN),
        ("duplex-unchanged", Listener::Duplex, unchanged, plain("kept", "keep it")),
        ("duplex-get", Listener::Duplex, get, plain("", "")),
        ("duplex-other", Listener::Duplex, other, plain("", "auto one")),
        ("duplex-events", Listener::Duplex, events, CHOSEN),
    ]
    .into_iter()
    .map(|(name, listener, sent, result)| Scene { name, listener, sent, result })
    .collect()
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [executable, folder] = &arguments[..] else { panic!("usage: record ENVOY_EXECUTABLE FOLDER") };
    let folder = Path::new(folder);
    let server = stand_in::Running::start(Limits::default()).await;
    let (tap, upstream) = (tap::Tap::start(server.address), upstream::Upstream::start());
    let envoy = Envoy::start(executable, tap.address, upstream.address);
    let mut described = BTreeMap::new();
    for scene in scenes() {
        let got = scene.sent.to(envoy.listener(scene.listener)).await;
        assert_eq!((got, upstream.take()), (scene.result.0, scene.result.1.map(Into::into)), "{}", scene.name);
        server.seen.closed().await;
        let messages = tap.take();
        println!("{:24} {} messages", scene.name, messages.len());
        fs::write(folder.join(scene.name).with_extension("bin"), pack(&messages)).unwrap();
        described.insert(scene.name, recording::describe(scene.name, &messages));
    }
    fs::write(folder.join("conversations.txt"), described.into_values().collect::<String>()).unwrap();
    envoy.assert_content();
}

/// The form that [`recording`] reads.
fn pack(messages: &[recording::Recorded]) -> Vec<u8> {
    let mut file = Vec::new();
    for (mark, message) in messages {
        file.push(*mark);
        file.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        file.extend(message);
    }
    file
}
