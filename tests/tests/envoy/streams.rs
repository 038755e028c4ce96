//! Streams of events keep their bytes, and their timing wherever the gateway does not hold answers back.

use crate::{BRIEF, THINKING, ask};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use tokio::sync::Semaphore;
use trackside_tests::{
    Answer, Message, Own, Stage, Way,
    upstream::{EVENTS, event},
};

fn events() -> Bytes {
    (0..=EVENTS).flat_map(event).collect()
}

every!(plain, events_keep_their_bytes_and_the_first_is_not_held_back);
async fn events_keep_their_bytes_and_the_first_is_not_held_back(stage: &Stage, way: Way) {
    // The model server goes on only when it may, so an event that is held back fails the test instead of slowing it.
    let permit = Arc::new(Semaphore::new(usize::from(way.mode.holds_answers())));
    let (_, mut reply) = stage.open(way, ask(THINKING), Answer::Events(Arc::clone(&permit))).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")), "{way}");
    let first = reply.read(event(0).len()).await;
    permit.add_permits(1);
    let all = [first, reply.finish().await].concat();
    assert_eq!(Bytes::from(all), events(), "{way}");
}

every!(plain, events_of_what_is_no_call_keep_their_timing_too);
async fn events_of_what_is_no_call_keep_their_timing_too(stage: &Stage, way: Way) {
    let permit = Arc::new(Semaphore::new(usize::from(way.mode.holds_answers())));
    let (_, mut reply) = stage.open(way, Message::get("/v1/logs"), Answer::Events(Arc::clone(&permit))).await;
    let first = reply.read(event(0).len()).await;
    permit.add_permits(1);
    assert_eq!(Bytes::from([first, reply.finish().await].concat()), events(), "{way}");
}

every!(plain, a_stream_that_breaks_is_seen_to_break);
async fn a_stream_that_breaks_is_seen_to_break(stage: &Stage, way: Way) {
    let permit = Arc::new(Semaphore::new(usize::from(way.mode.holds_answers())));
    let (_, reply) = stage.try_open(way, ask(BRIEF), Answer::Broken(Arc::clone(&permit))).await;
    let Ok(mut reply) = reply else {
        assert!(way.mode.holds_answers(), "{way}: no answer began");
        return;
    };
    if reply.status != 200 {
        assert!(way.mode.holds_answers() && reply.status >= 500, "{way}: {reply:?}");
        return;
    }
    let first = reply.try_read(event(0).len()).await;
    permit.add_permits(1);
    let rest = reply.try_read(usize::MAX).await;
    assert!(first.is_err() || rest.is_err(), "{way}: a broken stream ended well after {first:?} and {rest:?}");
}

every!(plain, events_with_trailers_pass);
async fn events_with_trailers_pass(stage: &Stage, way: Way) {
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-usage"), HeaderValue::from_static("17 tokens"))]);
    let answer = Own::new(200, events()).with("content-type", "text/event-stream").with_trailers(trailers);
    let exchange = stage.send_for(way, ask(BRIEF).with("te", "trailers"), Answer::Own(answer)).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.body, events(), "{way}");
}

every!(plain, a_client_that_leaves_a_stream_disturbs_nobody);
async fn a_client_that_leaves_a_stream_disturbs_nobody(stage: &Stage, way: Way) {
    let permit = Arc::new(Semaphore::new(usize::from(way.mode.holds_answers())));
    let (_, mut reply) = stage.open(way, ask(THINKING), Answer::Events(permit)).await;
    reply.read(event(0).len()).await;
    drop(reply);
    let exchange = stage.send(way, ask(BRIEF)).await;
    assert_eq!(exchange.status, 200, "{way}");
}
