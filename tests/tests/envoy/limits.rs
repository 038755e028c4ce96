//! Many at once, and large headers.

use crate::{BRIEF, THINKING};
use futures_util::future::join_all;
use serde_json::json;
use trackside_tests::{Message, Stage, Way};

/// Sends this many requests at once, calls and others, each with a text of its own, and checks that none gets another's.
async fn at_once(stage: &Stage, way: Way, count: usize) {
    let exchanges = (0..count).map(|number| async move {
        let (prompt, model) = [(THINKING, "large"), (BRIEF, "s"), ("Hello.", "medium")][number % 3];
        let message = if number % 10 == 9 {
            Message::post("/v1/files", format!("file {number}"))
        } else {
            let messages = json!([{"role": "user", "content": format!("{prompt} {number}")}]);
            Message::chat(json!({"model": "auto", "user": format!("user {number}"), "messages": messages}).to_string())
        };
        let exchange = stage.send(way, message.clone()).await;
        let what = format!("{number} of {count}, {way}");
        assert_eq!(exchange.status, 200, "{what}: {exchange:?}");
        if number % 10 == 9 {
            assert_eq!(exchange.seen().body, message.bytes(), "{what}");
            return;
        }
        let body = exchange.seen().json();
        assert_eq!((&body["model"], &body["user"]), (&json!(model), &json!(format!("user {number}"))), "{what}");
        let last = body["messages"].as_array().and_then(|all| all.last());
        assert_eq!(last.map(|last| &last["content"]), Some(&json!(format!("{prompt} {number}"))), "{what}");
    });
    join_all(exchanges).await;
}

each!(plain, fifty_at_once: aibrix buffered buffered_both partial duplex duplex_both streamed streamed_both);
async fn fifty_at_once(stage: &Stage, way: Way) {
    at_once(stage, way, 50).await;
}

each!(plain, three_hundred_at_once: aibrix duplex_both);
async fn three_hundred_at_once(stage: &Stage, way: Way) {
    at_once(stage, way, 300).await;
}

every!(plain, large_and_repeated_headers_arrive);
async fn large_and_repeated_headers_arrive(stage: &Stage, way: Way) {
    let long = "v".repeat(20_000);
    let odd = "tab\there, comma, \"quoted\"; caf\u{e9}";
    let mut message = crate::ask(THINKING).with("x-long", &long).with("authorization", "Bearer secret");
    message
        .headers
        .insert("x-odd", http::HeaderValue::from_bytes(odd.as_bytes()).expect("bytes above ASCII are allowed"));
    for number in 0..60 {
        message = message.with("x-many", &number.to_string());
    }
    let exchange = stage.send(way, message).await;
    assert_eq!(exchange.status, 200, "{way}");
    let seen = exchange.seen();
    assert_eq!(seen.header("x-long"), Some(long.as_str()), "{way}");
    assert_eq!(seen.headers.get("x-odd").map(|odd| odd.as_bytes()), Some(odd.as_bytes()), "{way}");
    assert_eq!(seen.header("authorization"), Some("Bearer secret"), "{way}");
    let many: Vec<_> = seen.headers.get_all("x-many").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(many.iter().copied().eq((0..60).map(|n| n.to_string()).collect::<Vec<_>>().iter()), "{way}: {many:?}");
}

every!(plain, a_long_path_arrives);
async fn a_long_path_arrives(stage: &Stage, way: Way) {
    let mut message = crate::ask(BRIEF);
    message.path = format!("/v1/chat/completions?{}", "q".repeat(8000));
    let path = message.path.clone();
    let exchange = stage.send(way, message).await;
    assert_eq!((exchange.status, &exchange.seen().path), (200, &path), "{way}");
}
