//! What a client writes where only Trackside may write has no effect.

use crate::{BRIEF, THINKING, ask};
use http::{HeaderName, HeaderValue};
use trackside_tests::{
    Answer, Message, Own, Stage, Way,
    mode::{Body, Twist},
};

every!(plain, a_call_cannot_name_its_route);
async fn a_call_cannot_name_its_route(stage: &Stage, way: Way) {
    for spoofed in ["large", "s", "", "large, s"] {
        let exchange = stage.send(way, ask(BRIEF).with("x-selected-model", spoofed)).await;
        let what = format!("{spoofed:?}, {way}");
        assert_eq!(exchange.status, 200, "{what}");
        let told = exchange.seen().header("x-selected-model");
        match way.mode.shown() {
            Body::None => assert!(told.is_none() && exchange.route() == "default", "{what}: {told:?}"),
            // The headers may have gone before the decision.
            Body::Streamed => {
                assert!(told.is_none_or(|told| told == "s"), "{what}: {told:?}");
                assert!(["default", "s"].contains(&exchange.route()), "{what}");
            }
            _ => assert_eq!((told, exchange.route()), (Some("s"), "s"), "{what}"),
        }
    }
}

every!(plain, a_request_that_is_no_call_cannot_name_its_route);
async fn a_request_that_is_no_call_cannot_name_its_route(stage: &Stage, way: Way) {
    if way.mode.has(Twist::SelectionHidden) {
        // A header that is hidden is taken away unseen; whether it had chosen a route cannot be known.
        let exchange = stage.send(way, Message::get("/").with("x-selected-model", "large")).await;
        assert_eq!(exchange.seen().header("x-selected-model"), None, "{way}");
        return;
    }
    for message in [Message::get("/v1/models"), Message::post("/upload", "x"), Message::post("/upload", "")] {
        let what = format!("{} {}, {way}", message.method, message.path);
        let exchange = stage.send(way, message.with("x-selected-model", "large")).await;
        assert_eq!(exchange.status, 200, "{what}");
        assert_eq!(exchange.seen().header("x-selected-model"), None, "{what}");
        assert_eq!(exchange.route(), "default", "{what}");
    }
}

every!(plain, a_repeated_selection_is_taken_away_whole);
async fn a_repeated_selection_is_taken_away_whole(stage: &Stage, way: Way) {
    let message = Message::get("/v1/models").with("x-selected-model", "large").with("x-selected-model", "s");
    let exchange = stage.send(way, message).await;
    assert_eq!(exchange.seen().headers.get_all("x-selected-model").iter().count(), 0, "{way}");
}

routed!(plain, a_call_that_names_its_model_cannot_go_elsewhere);
async fn a_call_that_names_its_model_cannot_go_elsewhere(stage: &Stage, way: Way) {
    let body = r#"{"model":"s","messages":[{"role":"user","content":"hi"}]}"#;
    let exchange = stage.send(way, Message::chat(body).with("x-selected-model", "large")).await;
    assert_eq!(exchange.seen().header("x-selected-model"), Some("s"), "{way}");
    assert_eq!(exchange.route(), "s", "{way}");
}

/// Headers that Trackside writes on answers, spoofed.
const SPOOFED: [(&str, &str); 4] = [
    ("x-vsr-selected-decision", "spoofed"),
    ("x-vsr-selected-model", "spoofed"),
    ("x-vsr-response-path", "spoofed"),
    ("x-vsr-selected-confidence", "9"),
];

every!(plain, a_client_cannot_tell_of_decisions);
async fn a_client_cannot_tell_of_decisions(stage: &Stage, way: Way) {
    for message in [ask(THINKING), Message::get("/v1/models")] {
        let message = SPOOFED.iter().fold(message, |message, (name, value)| message.with(name, value));
        let exchange = stage.send(way, message).await;
        assert_eq!(exchange.status, 200, "{way}");
        for (name, value) in SPOOFED {
            assert_eq!(exchange.seen().header(name), None, "{name}, {way}");
            let told = exchange.header(name);
            assert!(told.is_none_or(|told| told != value), "{name}, {way}: {told:?}");
        }
    }
}

routed!(plain, a_model_server_cannot_tell_of_decisions);
async fn a_model_server_cannot_tell_of_decisions(stage: &Stage, way: Way) {
    for status in [200, 500] {
        let answer = SPOOFED.iter().fold(Own::new(status, "{}"), |answer, (name, value)| answer.with(name, value));
        let exchange = stage.send_for(way, ask(THINKING), Answer::Own(answer)).await;
        assert_eq!(exchange.status, status, "{way}");
        for (name, value) in SPOOFED {
            let told: Vec<_> = exchange.headers.get_all(name).iter().collect();
            assert!(told.len() <= 1 && !told.iter().any(|told| *told == value), "{status}, {name}, {way}: {told:?}");
        }
        let decided = exchange.header("x-vsr-selected-decision");
        assert_eq!(decided, (status == 200).then_some("thinking"), "{way}");
    }
}

every!(plain, a_name_in_the_host_or_path_is_no_decision);
async fn a_name_in_the_host_or_path_is_no_decision(stage: &Stage, way: Way) {
    let mut message = ask(BRIEF);
    message.path = "/v1/chat/completions?model=large&x-selected-model=large".to_owned();
    message.headers.insert(HeaderName::from_static("host"), HeaderValue::from_static("large"));
    let exchange = stage.send(way, message).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_ne!(exchange.route(), "large", "{way}");
}
