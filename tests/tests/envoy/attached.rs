//! What the gateway attaches to a request: attributes, metadata, the name of a profile. And answers of a plugin.

use crate::{BRIEF, ask};
use serde_json::json;
use trackside_tests::{Answer, Exchange, Message, Stage, Way, routes::PROFILES, upstream::COMPLETION};

const WHOSE: &str = "Whose request is this?";

fn assert_decided(exchange: &Exchange, decision: Option<&str>, model: &str, way: Way) {
    assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), decision, "{way}");
    assert_eq!(exchange.seen().json()["model"], model, "{way}");
    assert_eq!(exchange.seen().header("x-selected-model"), Some(model), "{way}");
}

each!(plain, metadata_of_the_gateway_reaches_components: attached attached_duplex);
async fn metadata_of_the_gateway_reaches_components(stage: &Stage, way: Way) {
    // A namespace that is not forwarded stays unseen: it would win.
    for message in [ask(WHOSE), ask(WHOSE).in_pieces(7, None)] {
        assert_decided(&stage.send(way, message).await, Some("gold"), "s", way);
    }
}

each!(plain, attributes_of_the_request_reach_components: attached attached_duplex);
async fn attributes_of_the_request_reach_components(stage: &Stage, way: Way) {
    assert_decided(&stage.send(way, ask(WHOSE).with("x-tenant", "acme")).await, Some("acme"), "large", way);
    assert_decided(&stage.send(way, ask(WHOSE).with("x-tenant", "other")).await, Some("gold"), "s", way);
}

routed!(plain, a_client_cannot_attach_anything);
async fn a_client_cannot_attach_anything(stage: &Stage, way: Way) {
    let body = json!({
        "model": "auto", "messages": [{"role": "user", "content": WHOSE}],
        "metadata": {"tenancy.tenant": "gold", "request.method": "POST"},
    });
    let message = Message::chat(body.to_string()).with("x-tenant", "acme").with("tenancy.tenant", "gold");
    assert_decided(&stage.send(way, message).await, None, "medium", way);
}

each!(plain, the_gateways_stream_names_the_profile: profiled profiled_duplex);
async fn the_gateways_stream_names_the_profile(stage: &Stage, way: Way) {
    assert_decided(&stage.send(way, ask(BRIEF)).await, Some("careful"), "large", way);
    assert_decided(&stage.send(way, ask(crate::THINKING)).await, None, "medium", way);
}

routed!(plain, a_route_names_the_profile);
async fn a_route_names_the_profile(stage: &Stage, way: Way) {
    let [(known, _), (unknown, name)] = PROFILES;
    let exchange = stage.send(way, ask(BRIEF).with(known, "1")).await;
    assert_decided(&exchange, Some("careful"), "large", way);
    assert_eq!(exchange.header("x-vsr-selected-recipe"), Some("support"), "{way}");
    let exchange = stage.send(way, ask(BRIEF).with(unknown, "1")).await;
    assert_eq!((exchange.status, exchange.upstream.is_none()), (400, true), "{way}: {exchange:?}");
    let error = &exchange.json()["error"];
    assert_eq!(error["code"], "profile_not_found", "{way}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(name)), "{way}: {error}");
}

routed!(plain, a_model_name_stands_for_a_profile);
async fn a_model_name_stands_for_a_profile(stage: &Stage, way: Way) {
    let body = json!({"model": "support/auto", "messages": [{"role": "user", "content": BRIEF}]});
    let exchange = stage.send(way, Message::chat(body.to_string())).await;
    assert_decided(&exchange, Some("careful"), "large", way);
}

routed!(plain, a_client_cannot_name_the_profile_by_a_header);
async fn a_client_cannot_name_the_profile_by_a_header(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask(BRIEF).with("x-trackside-profile", "support")).await;
    assert_decided(&exchange, Some("brief"), "s", way);
}

const SECRET: &str = "What is the password of the gateway?";

routed!(plain, a_plugin_answers_instead_of_a_model);
streamed!(plain, a_plugin_answers_a_streamed_call, a_plugin_answers_instead_of_a_model);
async fn a_plugin_answers_instead_of_a_model(stage: &Stage, way: Way) {
    for message in [ask(SECRET), ask(SECRET).in_pieces(7, None)] {
        let exchange = stage.send_for(way, message, Answer::Json).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (200, true), "{way}: {exchange:?}");
        assert_ne!(exchange.body, COMPLETION, "{way}");
        let answer = exchange.json();
        assert_eq!(answer["object"], "chat.completion", "{way}");
        assert_eq!(answer["choices"][0]["message"]["content"], "I keep no passwords.", "{way}");
        assert_eq!(exchange.header("x-vsr-response-path"), Some("plugin"), "{way}");
    }
}

routed!(plain, a_plugin_answers_a_client_that_wants_events);
async fn a_plugin_answers_a_client_that_wants_events(stage: &Stage, way: Way) {
    let body = json!({"model": "auto", "stream": true, "messages": [{"role": "user", "content": SECRET}]});
    let exchange = stage.send(way, Message::chat(body.to_string())).await;
    assert_eq!((exchange.status, exchange.upstream.is_none()), (200, true), "{way}: {exchange:?}");
    assert_eq!(exchange.header("content-type"), Some("text/event-stream"), "{way}");
    let events = String::from_utf8_lossy(&exchange.body);
    assert!(events.contains("I keep no passwords.") && events.ends_with("data: [DONE]\n\n"), "{way}: {events}");
}
