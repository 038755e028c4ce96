//! What the model server says reaches the client as it was said, and when it was said.

use crate::{THINKING, ask, example};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trackside_tests::{
    DENY, REFUSE, Way,
    upstream::{Answer, COMPLETION, EVENTS, event},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_json_answer_keeps_its_bytes_and_gets_the_routing_headers() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    for way in Way::all() {
        let exchange = stage.send(way, ask(THINKING)).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert_eq!(exchange.body, COMPLETION, "{way}");
        assert_eq!(exchange.header("content-type"), Some("application/json"), "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), Some("thinking"), "{way}");
        assert_eq!(exchange.header("x-vsr-selected-model"), Some("qwen3-8b"), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_keeps_its_bytes_and_its_first_event_is_not_held_back() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    let rest: Vec<u8> = (1..=EVENTS).flat_map(event).collect();
    for way in Way::all() {
        // The model server goes on only when it may, so an event that is held back fails the test instead of slowing it.
        let permit = Arc::new(Semaphore::new(usize::from(way.mode.holds_answers())));
        let (_, mut reply) = stage.open(way, ask(THINKING), Answer::Events(Arc::clone(&permit))).await;
        assert_eq!(reply.header("content-type"), Some("text/event-stream"), "{way}");
        assert_eq!(reply.header("x-vsr-selected-decision"), Some("thinking"), "{way}");
        let first = reply.read(event(0).len()).await;
        permit.add_permits(1);
        let all = [first, reply.finish().await].concat();
        assert_eq!(Bytes::from(all), [&event(0)[..], &rest].concat(), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_model_server_pass_as_they_are() {
    let Some(stage) = example(&["qwen3-8b"]).await else { return };
    for way in Way::all() {
        for (status, body) in [(404, r#"{ "error":"no such model" }"#), (503, ""), (500, "plain"), (429, "{}")] {
            let exchange = stage.send_for(way, ask(THINKING), Answer::Status(status, body)).await;
            let what = format!("{status}, {way}");
            assert_eq!(exchange.status, status, "{what}");
            assert_eq!(exchange.body, body, "{what}");
            assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{what}");
            assert_eq!(exchange.seen().json()["model"], "qwen3-8b", "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_gateway_itself_pass_before_and_behind_the_router() {
    let Some(stage) = example(&[]).await else { return };
    for way in Way::all() {
        // An authorisation filter in front: the router is shown the answer only.
        let exchange = stage.send(way, ask(THINKING).with(DENY, "1")).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (403, true), "{way}");
        // A route that answers itself, behind the decision.
        let exchange = stage.send(way, ask(THINKING).with(REFUSE, "1")).await;
        assert_eq!((exchange.status, &exchange.body[..]), (403, &b"refused"[..]), "{way}");
        // The next request is served as ever.
        assert_eq!(stage.send(way, ask(THINKING)).await.status, 200, "{way}");
    }
}
