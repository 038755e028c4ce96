//! What a client gets for a request that cannot be routed.

use crate::{BRIEF, ask};
use trackside_tests::{Exchange, Message, Stage, Way, mode};

const UNKNOWN: &str = r#"{"model":"gpt-nine","messages":[{"role":"user","content":"hi"}]}"#;

/// The names of the listeners that show whole bodies.
const SHOWN: [&str; 7] =
    ["aibrix", "buffered", "buffered_both", "partial", "duplex", "duplex_both", "response_headers_skipped"];

fn assert_refused(exchange: &Exchange, code: &str, field: Option<&str>, what: &str) {
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

rows! { plain, a_bad_request_is_told_what_is_wrong:
    a_cut_body("{\"model\":\"auto\",", "invalid_json", None);
    no_body("", "invalid_json", None);
    a_list("[]", "invalid_json", None);
    a_brace_too_many("{\"model\":\"auto\",\"messages\":[]}}", "invalid_json", None);
    a_control_character("\u{0}", "invalid_json", None);
    no_model(r#"{"messages":[{"role":"user","content":"hi"}]}"#, "missing_required_parameter", Some("model"));
    no_messages(r#"{"model":"auto"}"#, "missing_required_parameter", Some("messages"));
    a_number_for_a_model(r#"{"model":7,"messages":[]}"#, "invalid_type", Some("model"));
    a_text_for_messages(r#"{"model":"auto","messages":"hi"}"#, "invalid_type", Some("messages"));
    a_text_for_a_switch(
        r#"{"model":"auto","messages":[{"role":"user","content":"hi"}],"stream":"yes"}"#, "invalid_type", Some("stream")
    );
    a_number_for_a_role(
        r#"{"model":"auto","messages":[{"role":7,"content":"hi"}]}"#, "invalid_type", Some("messages[0].role")
    );
    an_unknown_model(UNKNOWN, "model_not_found", Some("model"));
}
async fn a_bad_request_is_told_what_is_wrong(stage: &Stage, body: &'static str, code: &str, field: Option<&str>) {
    for way in SHOWN.iter().flat_map(|name| Way::both(name)) {
        let exchange = stage.send(way, Message::chat(body)).await;
        assert_refused(&exchange, code, field, &format!("{body:?}, {way}"));
    }
}

routed!(plain, an_unknown_model_is_named);
streamed!(plain, an_unknown_model_of_a_streamed_call_is_named, an_unknown_model_is_named);
async fn an_unknown_model_is_named(stage: &Stage, way: Way) {
    for message in [Message::chat(UNKNOWN), Message::chat(UNKNOWN).in_pieces(9, None)] {
        let exchange = stage.send(way, message).await;
        assert_refused(&exchange, "model_not_found", Some("model"), &way.to_string());
        let error = exchange.json();
        assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("gpt-nine")), "{way}: {error}");
    }
    assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
}

routed!(plain, a_body_that_is_no_json_is_refused);
streamed!(plain, a_streamed_body_that_is_no_json_is_refused, a_body_that_is_no_json_is_refused);
async fn a_body_that_is_no_json_is_refused(stage: &Stage, way: Way) {
    for message in [Message::chat("{\"model\":"), Message::chat(r#"{"model":"auto","messages":[}"#).in_pieces(5, None)]
    {
        let exchange = stage.send(way, message).await;
        assert_refused(&exchange, "invalid_json", None, &way.to_string());
    }
}

every!(plain, a_call_without_a_body_is_refused_or_passes_empty);
async fn a_call_without_a_body_is_refused_or_passes_empty(stage: &Stage, way: Way) {
    let exchange = stage.send(way, Message::chat("")).await;
    if way.mode.shown() == mode::Body::None && exchange.status == 200 {
        assert_eq!(exchange.seen().body, "", "{way}");
        return;
    }
    assert_refused(&exchange, "invalid_json", None, &way.to_string());
}

each!(plain, a_body_without_headers_is_taken_for_a_call: request_headers_skipped);
async fn a_body_without_headers_is_taken_for_a_call(stage: &Stage, way: Way) {
    assert_refused(&stage.send(way, Message::post("/x", "no json")).await, "invalid_json", None, &way.to_string());
    let exchange = stage.send(way, ask(BRIEF)).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().json()["model"], "s", "{way}");
    // Headers that are not shown have gone on before the body is: neither they nor the route can change.
    assert_eq!((exchange.seen().header("x-selected-model"), exchange.route()), (None, "default"), "{way}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some("brief"), "{way}");
    assert_eq!(stage.send(way, Message::get("/v1/models")).await.status, 200, "{way}");
}
