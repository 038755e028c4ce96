//! What Trackside edits arrives whole, with its length told right, and what it does not edit keeps its bytes.

use crate::{BRIEF, THINKING, ask};
use bytes::Bytes;
use serde_json::{Value, json};
use trackside_tests::{
    Exchange, Http, Message, Stage, Way,
    mode::{self, Body},
};

/// The upstream must never wait for bytes that do not come, or take a part for the whole.
fn assert_length(exchange: &Exchange, way: Way) {
    let told = exchange.seen().header("content-length").map(|length| length.parse().expect("a number"));
    let length = exchange.seen().body.len();
    match way.mode.shown() {
        Body::Buffered => assert_eq!(told, Some(length), "{way}"),
        _ => assert!(told.is_none_or(|told: usize| told == length), "{way}: {told:?} for {length} bytes"),
    }
}

fn assert_routed(exchange: &Exchange, model: &str, way: Way) {
    assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
    assert_eq!(exchange.seen().json()["model"], model, "{way}");
    assert_eq!(exchange.seen().header("x-selected-model"), Some(model), "{way}");
    assert_eq!(exchange.route(), model, "{way}");
}

routed!(plain, a_body_that_grows_arrives_whole);
async fn a_body_that_grows_arrives_whole(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = stage.send(way, message.clone()).await;
    assert_routed(&exchange, "large", way);
    assert!(exchange.seen().body.len() > message.bytes().len(), "{way}");
    assert_length(&exchange, way);
    let body = exchange.seen().json();
    assert_eq!(body["messages"][0]["role"], "system", "{way}");
    assert_eq!(body["messages"][1], json!({"role": "user", "content": THINKING}), "{way}");
    assert_eq!(body["chat_template_kwargs"], json!({"enable_thinking": true}), "{way}");
}

routed!(plain, a_body_that_shrinks_arrives_whole);
async fn a_body_that_shrinks_arrives_whole(stage: &Stage, way: Way) {
    let message = ask(BRIEF);
    let exchange = stage.send(way, message.clone()).await;
    assert_routed(&exchange, "s", way);
    assert!(exchange.seen().body.len() < message.bytes().len(), "{way}");
    assert_length(&exchange, way);
}

streamed!(plain, an_edited_body_arrives_whole);
async fn an_edited_body_arrives_whole(stage: &Stage, way: Way) {
    for (prompt, model) in [(THINKING, "large"), (BRIEF, "s")] {
        for message in [ask(prompt), ask(prompt).in_pieces(7, None), ask(prompt).in_pieces(20_000, None)] {
            let exchange = stage.send(way, message).await;
            assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
            assert_eq!(exchange.seen().json()["model"], model, "{way}");
            assert_length(&exchange, way);
        }
    }
}

/// A spelling that no encoder would choose.
const ODD: &str = "{ \"messages\" : [{\"role\":\"user\",\"content\":\"walk me through 1.0 caf\\u00e9 \\/\"}],\n\"model\":\"large\", \
                   \"top_p\":1.00,\"seed\":12345678901234567890123,\"n\":1,\"n\":2 }\r\n";

routed!(plain, a_concrete_model_passes_byte_for_byte);
async fn a_concrete_model_passes_byte_for_byte(stage: &Stage, way: Way) {
    for message in [Message::chat(ODD), Message::chat(ODD).in_pieces(9, None)] {
        let exchange = stage.send(way, message).await;
        assert_routed(&exchange, "large", way);
        assert_eq!(exchange.seen().body, ODD, "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
        assert_eq!(exchange.header("x-vsr-selected-model"), Some("large"), "{way}");
    }
}

streamed!(plain, a_body_that_is_not_edited_keeps_its_bytes);
async fn a_body_that_is_not_edited_keeps_its_bytes(stage: &Stage, way: Way) {
    for message in [Message::chat(ODD), Message::chat(ODD).in_pieces(9, None)] {
        let exchange = stage.send(way, message).await;
        assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
        assert_eq!(exchange.seen().body, ODD, "{way}");
    }
}

/// More than five megabytes that a keyword at the end routes.
fn five_megabytes() -> String {
    let context = "All work and no play. ".repeat(240_000);
    let messages = json!([{"role": "user", "content": context}, {"role": "assistant", "content": "Yes."},
                          {"role": "user", "content": THINKING}]);
    let body = json!({"model": "auto", "messages": messages}).to_string();
    assert!(body.len() > 5 << 20);
    body
}

fn assert_five_megabytes(exchange: &Exchange, sent: &str, way: Way) {
    let (sent, came): (Value, Value) = (serde_json::from_str(sent).expect("JSON"), exchange.seen().json());
    let turns = |body: &Value, from: usize| body["messages"].as_array().map(|all| all[from..].to_vec());
    assert_eq!(came["model"], "large", "{way}");
    assert!(turns(&came, 1) == turns(&sent, 0), "{way}: the conversation changed");
}

routed!(plain, five_megabytes_are_routed);
async fn five_megabytes_are_routed(stage: &Stage, way: Way) {
    let body = five_megabytes();
    let exchange = stage.send(way, Message::chat(body.clone())).await;
    if way.mode.name == mode::AIBRIX.name && way.http == Http::One {
        // The listener's own limit, which AIBrix sets to 4 MiB. Of HTTP/2 it bounds the connection, not the body.
        assert_eq!(exchange.status, 413, "{way}");
        assert!(exchange.upstream.is_none(), "{way}");
        return;
    }
    assert_routed(&exchange, "large", way);
    assert_length(&exchange, way);
    assert_five_megabytes(&exchange, &body, way);
}

streamed!(plain, five_megabytes_are_edited);
async fn five_megabytes_are_edited(stage: &Stage, way: Way) {
    let body = five_megabytes();
    let exchange = stage.send(way, Message::chat(body.clone())).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_five_megabytes(&exchange, &body, way);
}

bodiless!(plain, five_megabytes_pass);
async fn five_megabytes_pass(stage: &Stage, way: Way) {
    let body = Bytes::from(five_megabytes());
    let exchange = stage.send(way, Message::chat(body.clone())).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert!(exchange.seen().body == body, "{way}: the body changed");
}

routed!(plain, a_long_conversation_is_routed_by_its_last_question);
async fn a_long_conversation_is_routed_by_its_last_question(stage: &Stage, way: Way) {
    let turns = ["user", "assistant"].map(|role| json!({"role": role, "content": "show your work"}));
    let mut messages: Vec<_> = turns.iter().cycle().take(2000).cloned().collect();
    messages.push(json!({"role": "user", "content": BRIEF}));
    let body = json!({"model": "auto", "messages": messages}).to_string();
    // Pieces as small as a slow phone sends them.
    let pieces = if way.http == Http::One { 47 * 64 } else { 16 << 10 };
    let exchange = stage.send(way, Message::chat(body).in_pieces(pieces, None)).await;
    assert_routed(&exchange, "s", way);
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some("brief"), "{way}");
    assert_eq!(exchange.seen().json()["messages"].as_array().map(Vec::len), Some(2001), "{way}");
}

each!(plain, a_body_over_the_limit_of_partial_buffering_passes_untouched: small_partial small_partial_both);
async fn a_body_over_the_limit_of_partial_buffering_passes_untouched(stage: &Stage, way: Way) {
    let body = five_megabytes();
    let exchange = stage.send(way, Message::chat(body.clone())).await;
    assert_eq!(exchange.status, 200, "{way}");
    if exchange.seen().header("x-selected-model").is_some() {
        // Over HTTP/2 the limit bounds the connection rather than the body, which may have come whole.
        assert_eq!(way.http, Http::Two, "{way}");
        assert_five_megabytes(&exchange, &body, way);
        return;
    }
    assert!(exchange.seen().body == body, "{way}: the body changed");
    assert_eq!(exchange.route(), "default", "{way}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
}

each!(plain, a_body_under_the_limit_of_partial_buffering_is_routed: small_partial small_partial_both);
async fn a_body_under_the_limit_of_partial_buffering_is_routed(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask(THINKING)).await;
    assert_routed(&exchange, "large", way);
}

each!(plain, a_duplex_body_is_not_bound_by_the_limit_of_buffers: small_duplex);
async fn a_duplex_body_is_not_bound_by_the_limit_of_buffers(stage: &Stage, way: Way) {
    let body = five_megabytes();
    let exchange = stage.send(way, Message::chat(body.clone())).await;
    assert_routed(&exchange, "large", way);
    assert_five_megabytes(&exchange, &body, way);
}
