//! What Trackside has no business with leaves as it came, and what it edits arrives whole.

use crate::{THINKING, ask, example};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use trackside_tests::{Exchange, Http, Message, Way, mode};

/// Names of the headers that a gateway adds or rewrites on its own.
const OF_THE_GATEWAY: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "trailer",
    "x-case",
    "x-envoy-expected-rq-timeout-ms",
    "x-forwarded-proto",
    "x-request-id",
];

fn assert_untouched(exchange: &Exchange, headers: &HeaderMap, body: &[u8], what: &str) {
    assert_eq!(exchange.status, 200, "{what}");
    assert_eq!(exchange.seen().body, body, "{what}");
    let mut came = exchange.seen().headers.clone();
    for name in OF_THE_GATEWAY {
        came.remove(name);
    }
    assert_eq!(&came, headers, "{what}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_llm_calls_pass_untouched() {
    let Some(stage) = example(&[]).await else { return };
    let form = "model=auto&messages=none";
    let messages = [
        Message::get("/v1/models"),
        Message::get("/"),
        Message::post("/upload", Bytes::from_static(b"\x00\xff{\"model\":\"auto\"")).with("content-type", "image/png"),
        Message::post("/login", form).with("content-type", "application/x-www-form-urlencoded"),
        Message::post("/v1/chat/completions/x", "{").with("x-a", "1").with("x-a", "2").with("cookie", "a=b"),
        Message::post("/empty", ""),
    ];
    for way in Way::all() {
        for message in &messages {
            let what = format!("{} {}, {way}", message.method, message.path);
            let exchange = stage.send(way, message.clone()).await;
            let trackside_tests::Upload::Whole(body) = &message.upload else { unreachable!("all are whole") };
            assert_untouched(&exchange, &message.headers, body, &what);
        }
        let pieces = messages[2].clone().in_pieces(5, None);
        let exchange = stage.send(way, pieces.clone()).await;
        assert_untouched(&exchange, &pieces.headers, b"\x00\xff{\"model\":\"auto\"", &format!("in pieces, {way}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_concrete_model_passes_byte_for_byte() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    let body = "{ \"messages\" : [{\"role\":\"user\",\"content\":\"walk me through 1.0\"}],\n\"model\":\"qwen3-8b\", \"top_p\":1.00 }";
    for way in Way::all() {
        let exchange = stage.send(way, Message::chat(body)).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert_eq!(exchange.seen().body, body, "{way}");
        assert_eq!(exchange.seen().header("x-selected-model"), Some("qwen3-8b"), "{way}");
        assert_eq!(exchange.route(), "qwen3-8b", "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_pieces_is_routed_and_keeps_its_trailers() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    for way in Way::all() {
        for trailers in [None, Some(trailers.clone())] {
            let what = format!("{way}, {trailers:?}");
            let exchange = stage.send(way, ask(THINKING).in_pieces(7, trailers.clone())).await;
            assert_eq!(exchange.status, 200, "{what}");
            assert_eq!(exchange.seen().json()["model"], "qwen3-8b", "{what}");
            assert_eq!(exchange.seen().json()["messages"][1]["content"], THINKING, "{what}");
            assert_eq!(exchange.route(), "qwen3-8b", "{what}");
            // A buffered body goes on with its length told, and over HTTP/1 such a body has no trailers.
            let told = way.mode.request == mode::Body::Buffered && way.http == Http::One;
            assert_eq!(exchange.seen().trailers, trailers.filter(|_| !told), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_megabytes_are_routed() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    let context = "All work and no play. ".repeat(240_000);
    let messages = json!([{"role": "user", "content": context}, {"role": "assistant", "content": "Yes."},
                          {"role": "user", "content": THINKING}]);
    let body = json!({"model": "auto", "messages": messages}).to_string();
    assert!(body.len() > 5 << 20);
    for way in Way::all() {
        let exchange = stage.send(way, Message::chat(body.clone())).await;
        if way.mode.name == mode::AIBRIX.name && way.http == Http::One {
            // The listener's own limit, which AIBrix sets to 4 MiB. Of HTTP/2 it bounds the connection, not the body.
            assert_eq!(exchange.status, 413, "{way}");
            assert!(exchange.upstream.is_none(), "{way}");
            continue;
        }
        assert_eq!(exchange.status, 200, "{way}");
        let came = exchange.seen().json();
        assert_eq!(came["model"], "qwen3-8b", "{way}");
        assert_eq!(came["messages"].as_array().map(|all| &all[1..]), messages.as_array().map(|all| &all[..]), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_routed_by_its_last_question() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    let turns = ["user", "assistant"].map(|role| json!({"role": role, "content": "show your work"}));
    let mut messages: Vec<_> = turns.iter().cycle().take(2000).cloned().collect();
    messages.push(json!({"role": "user", "content": "What is the derivative of x^3?"}));
    let body = json!({"model": "auto", "messages": messages}).to_string();
    for way in Way::all() {
        // Pieces as small as a slow phone sends them.
        let pieces = if way.http == Http::One { 47 * 64 } else { 16 << 10 };
        let exchange = stage.send(way, Message::chat(body.clone()).in_pieces(pieces, None)).await;
        assert_eq!(exchange.header("x-vsr-selected-decision"), Some("math"), "{way}");
        assert_eq!(exchange.seen().json()["messages"].as_array().map(Vec::len), Some(2002), "{way}");
    }
}
