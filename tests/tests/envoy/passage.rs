//! What Trackside has no business with leaves as it came.

use crate::{THINKING, ask};
use bytes::Bytes;
use http::{HeaderMap, Method};
use trackside_tests::{Exchange, Message, Stage, Way};

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

/// Bytes that are no JSON, and no text either.
const BINARY: &[u8] = b"\x00\xff{\"model\":\"auto\"";

fn assert_untouched(exchange: &Exchange, headers: &HeaderMap, body: &[u8], what: &str) {
    assert_eq!(exchange.status, 200, "{what}");
    assert_eq!(exchange.seen().body, body, "{what}");
    let mut came = exchange.seen().headers.clone();
    for name in OF_THE_GATEWAY {
        came.remove(name);
    }
    assert_eq!(&came, headers, "{what}");
    assert_eq!(exchange.route(), "default", "{what}");
    let decided = exchange.headers.keys().find(|name| name.as_str().starts_with("x-vsr-"));
    assert_eq!(decided, None, "{what}");
}

every!(plain, requests_that_are_no_calls_pass_untouched);
async fn requests_that_are_no_calls_pass_untouched(stage: &Stage, way: Way) {
    let form = "model=auto&messages=none";
    let messages = [
        Message::get("/v1/models"),
        Message::get("/"),
        Message::post("/upload", BINARY).with("content-type", "image/png"),
        Message::post("/login", form).with("content-type", "application/x-www-form-urlencoded"),
        Message::post("/v1/chat/completions/x", "{").with("x-a", "1").with("x-a", "2").with("cookie", "a=b"),
        Message::post("/empty", ""),
    ];
    for message in messages {
        let what = format!("{} {}, {way}", message.method, message.path);
        let exchange = stage.send(way, message.clone()).await;
        assert_untouched(&exchange, &message.headers, message.bytes(), &what);
        assert_eq!(exchange.seen().path, message.path, "{what}");
    }
}

every!(plain, methods_without_a_body_pass);
async fn methods_without_a_body_pass(stage: &Stage, way: Way) {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE] {
        for path in ["/v1/chat/completions", "/v1/models/x?y=z", "/v1/chat/completions/1"] {
            let what = format!("{method} {path}, {way}");
            let message = Message::of(method.clone(), path).with("accept", "*/*");
            let exchange = stage.send(way, message.clone()).await;
            assert_untouched(&exchange, &message.headers, b"", &what);
            assert_eq!((&exchange.seen().method, exchange.seen().path.as_str()), (&method, path), "{what}");
        }
    }
}

every!(plain, an_upload_in_pieces_passes_untouched);
async fn an_upload_in_pieces_passes_untouched(stage: &Stage, way: Way) {
    let message = Message::post("/upload", BINARY).with("content-type", "image/png").in_pieces(5, None);
    let exchange = stage.send(way, message.clone()).await;
    assert_untouched(&exchange, &message.headers, BINARY, &way.to_string());
}

every!(plain, an_upload_of_two_megabytes_passes_untouched);
async fn an_upload_of_two_megabytes_passes_untouched(stage: &Stage, way: Way) {
    let body: Bytes = (0..2 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let exchange = stage.send(way, Message::post("/v1/files", body.clone())).await;
    assert_untouched(&exchange, &HeaderMap::new(), &body, &way.to_string());
}

bodiless!(plain, a_call_whose_body_is_not_shown_passes_untouched);
async fn a_call_whose_body_is_not_shown_passes_untouched(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = stage.send(way, message.clone()).await;
    assert_untouched(&exchange, &message.headers, message.bytes(), &way.to_string());
    let pieces = ask(THINKING).in_pieces(7, None);
    let exchange = stage.send(way, pieces).await;
    assert_untouched(&exchange, &message.headers, message.bytes(), &way.to_string());
}
