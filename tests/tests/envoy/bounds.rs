//! What the router allows itself and its clients: bytes, time, streams.

use crate::{BRIEF, THINKING, ask};
use bytes::Bytes;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::{join, sync::Semaphore};
use trackside_tests::{
    Answer, Exchange, Message, Plan, Stage, Way,
    mode::{MODES, TWISTED},
    place,
    scrape::metric,
};

/// A stage whose router has these flags.
async fn bounded(flags: &[&str]) -> Option<Stage> {
    let config = place::root().join("tests/tests/envoy/router.yaml");
    let plan = Plan::new(&config, &["large", "s"]).with_flags(flags.iter().copied());
    Stage::build(&plan.with_modes(MODES.into_iter().chain(TWISTED))).await
}

/// One listener for each way in which bodies come.
fn each_body() -> impl Iterator<Item = Way> {
    ["aibrix", "buffered_both", "partial_both", "duplex_both", "streamed_both"].into_iter().flat_map(Way::both)
}

fn assert_error(exchange: &Exchange, status: u16, code: &str, what: &str) {
    assert_eq!((exchange.status, exchange.upstream.is_none()), (status, true), "{what}: {exchange:?}");
    assert_eq!(exchange.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(exchange.json()["error"]["code"], code, "{what}");
}

#[tokio::test]
async fn a_body_longer_than_allowed_is_refused() {
    let Some(stage) = bounded(&["--max-body-bytes", "10000"]).await else { return };
    let long = THINKING.repeat(500);
    for way in each_body() {
        for message in [ask(&long), ask(&long).in_pieces(4000, None)] {
            let exchange = stage.send(way, message).await;
            assert_error(&exchange, 413, "request_too_large", &way.to_string());
        }
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
        // What is no call is not held, and not bounded.
        assert_eq!(stage.send(way, Message::post("/v1/files", long.clone())).await.status, 200, "{way}");
    }
}

#[tokio::test]
async fn a_small_body_that_stands_for_a_long_one_is_refused() {
    use std::io::Write as _;
    let Some(stage) = bounded(&["--max-body-bytes", "100000"]).await else { return };
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(ask(&"a".repeat(20 << 20)).bytes()).expect("memory takes everything");
    let body = encoder.finish().expect("memory takes everything");
    assert!(body.len() < 100_000, "{} bytes", body.len());
    for way in each_body() {
        let exchange = stage.send(way, Message::chat(body.clone()).with("content-encoding", "gzip")).await;
        assert_error(&exchange, 413, "request_too_large", &way.to_string());
    }
}

/// Begins a call and stops in the middle.
async fn stop_midway(stage: &Stage, way: Way) -> Exchange {
    let (message, feed) = Message::chat("").fed();
    feed.send(Bytes::from_static(b"{\"model\":\"auto\",")).expect("the message is there");
    let (case, reply) = stage.open(way, message, Answer::Json).await;
    let exchange = stage.close(&case, reply).await;
    drop(feed);
    exchange
}

#[tokio::test]
async fn a_body_that_stops_coming_is_refused() {
    let Some(stage) = bounded(&["--body-pause", "200ms"]).await else { return };
    for way in ["duplex", "duplex_both", "streamed", "streamed_both"].into_iter().flat_map(Way::both) {
        let exchange = stop_midway(&stage, way).await;
        assert_error(&exchange, 408, "request_timeout", &way.to_string());
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
    }
}

#[tokio::test]
async fn a_body_that_takes_too_long_as_a_whole_is_refused() {
    let Some(stage) = bounded(&["--body-time", "300ms"]).await else { return };
    for way in ["duplex", "duplex_both"].into_iter().flat_map(Way::both) {
        let exchange = stop_midway(&stage, way).await;
        assert_error(&exchange, 408, "request_timeout", &way.to_string());
    }
}

#[tokio::test]
async fn a_call_on_one_stream_too_many_is_refused_and_counted() {
    let Some(stage) = bounded(&["--max-streams", "4"]).await else { return };
    let permit = Arc::new(Semaphore::new(0));
    // Streams on which the body of the answer is shown last as long as it does.
    let [held, way] = Way::both("duplex_both");
    let open = (0..4).map(|_| stage.open(held, ask(THINKING), Answer::Events(Arc::clone(&permit))));
    let replies = join_all(open).await;
    stage.trackside.until("trackside_extproc_streams", &[], |open| open == 4.0).await;
    for way in each_body() {
        let exchange = stage.send(way, ask(BRIEF)).await;
        assert_error(&exchange, 503, "overloaded", &way.to_string());
        // What is no call costs nothing and passes.
        assert_eq!(stage.send(way, Message::get("/v1/models")).await.status, 200, "{way}");
    }
    let shed = metric(&stage.trackside.metrics(), "trackside_extproc_shed_total", &["reason=\"streams\""]);
    assert_eq!(shed, each_body().count() as f64);
    drop(replies);
    stage.trackside.until("trackside_extproc_streams", &[], |open| open == 0.0).await;
    assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200);
}

#[tokio::test]
async fn a_body_for_which_there_is_no_room_is_refused_and_counted() {
    let Some(stage) = bounded(&["--max-held-bytes", "20000"]).await else { return };
    let way = Way::http2("duplex");
    let (message, feed) = Message::chat("").fed();
    feed.send(Bytes::from(vec![b' '; 15_000])).expect("the message is there");
    let others = async {
        stage.trackside.until("trackside_extproc_body_held_bytes", &[], |held| held >= 15_000.0).await;
        for way in each_body() {
            let exchange = stage.send(way, ask(&THINKING.repeat(200))).await;
            assert_error(&exchange, 503, "overloaded", &way.to_string());
            assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
        }
        feed.send(ask(BRIEF).bytes().clone()).expect("the request is under way");
        drop(feed);
    };
    let ((case, reply), ()) = join!(stage.open(way, message, Answer::Json), others);
    let exchange = stage.close(&case, reply).await;
    assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("s")));
    stage.trackside.until("trackside_extproc_body_held_bytes", &[], |held| held == 0.0).await;
    let shed = metric(&stage.trackside.metrics(), "trackside_extproc_shed_total", &["reason=\"bytes\""]);
    assert_eq!(shed, each_body().count() as f64);
}

#[tokio::test]
async fn nothing_is_told_on_answers_where_that_is_switched_off() {
    let Some(stage) = bounded(&["--response-headers", "none"]).await else { return };
    for way in each_body() {
        let exchange = stage.send(way, ask(THINKING)).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("large")), "{way}");
        let told = exchange.headers.keys().find(|name| name.as_str().starts_with("x-vsr-"));
        assert_eq!(told, None, "{way}");
    }
    let sent = || stage.envoy.counter("counted", "ext_proc.stream_msgs_sent");
    stage.send(Way::http2("counted"), ask(THINKING)).await;
    assert_eq!(sent(), 2, "the answer was shown");
}
