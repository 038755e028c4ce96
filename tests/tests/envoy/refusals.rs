//! What a client gets for a request that cannot be routed.

use crate::example;
use trackside_tests::{Message, Way};

/// A body, the code of its error, and the field that the error must name.
const REFUSED: [(&str, &str, Option<&str>); 12] = [
    ("{\"model\":\"auto\",", "invalid_json", None),
    ("", "invalid_json", None),
    ("[]", "invalid_json", None),
    ("{\"model\":\"auto\",\"messages\":[]}}", "invalid_json", None),
    ("\u{0}", "invalid_json", None),
    (r#"{"messages":[{"role":"user","content":"hi"}]}"#, "missing_required_parameter", Some("model")),
    (r#"{"model":"auto"}"#, "missing_required_parameter", Some("messages")),
    (r#"{"model":7,"messages":[]}"#, "invalid_type", Some("model")),
    (r#"{"model":"auto","messages":"hi"}"#, "invalid_type", Some("messages")),
    (r#"{"model":"auto","messages":[{"role":"user","content":"hi"}],"stream":"yes"}"#, "invalid_type", Some("stream")),
    (r#"{"model":"auto","messages":[{"role":7,"content":"hi"}]}"#, "invalid_type", Some("messages[0].role")),
    (r#"{"model":"gpt-nine","messages":[{"role":"user","content":"hi"}]}"#, "model_not_found", Some("model")),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_is_told_what_is_wrong_in_the_shape_that_clients_know() {
    let Some(stage) = example(&[]).await else { return };
    for way in Way::all() {
        for (body, code, field) in REFUSED {
            let what = format!("{body:?}, {way}");
            let exchange = stage.send(way, Message::chat(body)).await;
            assert_eq!(exchange.status, 400, "{what}: {exchange:?}");
            assert!(exchange.upstream.is_none(), "{what} went upstream");
            assert_eq!(exchange.header("content-type"), Some("application/json"), "{what}");
            let error = &exchange.json()["error"];
            assert_eq!(error["type"], "invalid_request_error", "{what}");
            assert_eq!(error["code"], code, "{what}");
            assert_eq!(error["param"].as_str(), field, "{what}");
            let message = error["message"].as_str().unwrap_or_default();
            assert!(field.is_none_or(|field| message.contains(field)), "{what}: {message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_is_named() {
    let Some(stage) = example(&[]).await else { return };
    let body = r#"{"model":"gpt-nine","messages":[{"role":"user","content":"hi"}]}"#;
    for way in Way::all() {
        let error = stage.send(way, Message::chat(body)).await.json();
        assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("gpt-nine")), "{way}: {error}");
    }
}
