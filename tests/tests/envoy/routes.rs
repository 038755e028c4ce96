//! The gateway's routes and what Trackside decides work together.

use crate::{BRIEF, THINKING, ask};
use trackside_tests::{
    Answer, Message, Stage, Way,
    mode::Body,
    routes::{HEADERS_ONLY, RETRY, UNPROCESSED},
};

routed!(plain, the_route_follows_the_chosen_model);
async fn the_route_follows_the_chosen_model(stage: &Stage, way: Way) {
    for (prompt, model, route) in [(THINKING, "large", "large"), (BRIEF, "s", "s"), ("Hello.", "medium", "default")] {
        let exchange = stage.send(way, ask(prompt)).await;
        assert_eq!(exchange.seen().header("x-selected-model"), Some(model), "{prompt:?}, {way}");
        assert_eq!(exchange.seen().json()["model"], model, "{prompt:?}, {way}");
        assert_eq!(exchange.route(), route, "{prompt:?}, {way}");
    }
}

every!(plain, a_route_without_the_processor_passes_untouched);
async fn a_route_without_the_processor_passes_untouched(stage: &Stage, way: Way) {
    for message in [ask(THINKING), Message::post("/v1/files", "x")] {
        let exchange = stage.send(way, message.clone().with(UNPROCESSED, "1")).await;
        assert_eq!((exchange.status, &exchange.seen().body), (200, message.bytes()), "{way}");
        assert_eq!(exchange.seen().header("x-selected-model"), None, "{way}");
        assert_eq!(exchange.header("x-vsr-schema-version"), None, "{way}");
    }
}

each!(plain, a_route_may_show_headers_only: buffered buffered_both partial duplex duplex_both streamed none);
async fn a_route_may_show_headers_only(stage: &Stage, way: Way) {
    for message in [ask(THINKING), ask(THINKING).in_pieces(7, None), Message::get("/v1/models")] {
        let body = ask(THINKING).bytes().clone();
        let is_call = message.path.ends_with("completions");
        let exchange = stage.send(way, message.with(HEADERS_ONLY, "1").with("x-selected-model", "large")).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert_eq!(exchange.seen().body, if is_call { body } else { "".into() }, "{way}");
        assert_eq!(exchange.seen().header("x-selected-model"), None, "{way}");
    }
}

routed!(plain, a_retry_sends_what_was_decided_again);
streamed!(plain, a_retry_of_a_streamed_call, a_retry_sends_what_was_decided_again);
async fn a_retry_sends_what_was_decided_again(stage: &Stage, way: Way) {
    let case = stage.case(way, Answer::status(503, "{}"));
    stage.upstream.answer(&case, Answer::status(500, "{}"));
    stage.upstream.answer(&case, Answer::Json);
    let message = ask(THINKING).with(RETRY, "1").with(trackside_tests::upstream::CASE, &case);
    let reply = trackside_tests::client::send(stage.envoy.listener(way.mode.name), way.http, &message).await;
    assert_eq!(reply.status, 200, "{way}");
    assert_eq!(reply.header("x-vsr-selected-decision"), Some("thinking"), "{way}");
    reply.finish().await;
    let attempts = stage.upstream.take_all(&case);
    assert_eq!(attempts.len(), 3, "{way}");
    for attempt in &attempts {
        assert_eq!(attempt.json()["model"], "large", "{way}");
        assert_eq!(attempt.body, attempts[0].body, "{way}");
        let shown = way.mode.shown() != Body::Streamed;
        assert!(!shown || attempt.header("x-selected-model") == Some("large"), "{way}");
    }
}
