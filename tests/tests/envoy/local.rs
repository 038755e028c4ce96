//! Answers that the gateway gives itself, before and behind the router.

use crate::{BRIEF, THINKING, ask};
use http::{HeaderName, HeaderValue};
use trackside_tests::{
    DENY, Exchange, Message, Stage, Way,
    mode::SMALL,
    routes::{NOBODY, NOWHERE, REDIRECT, REFUSE},
};

/// A call, one in pieces, and a request that is none.
fn messages() -> [Message; 3] {
    [ask(THINKING), ask(THINKING).in_pieces(7, None), Message::get("/v1/files/1")]
}

/// The answer is the gateway's, nothing was decided, and the next request is served as ever.
async fn assert_local(stage: &Stage, way: Way, exchange: &Exchange, status: u16) {
    assert_eq!((exchange.status, exchange.upstream.is_none()), (status, true), "{way}: {exchange:?}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
    assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
}

every!(plain, a_filter_in_front_refuses);
async fn a_filter_in_front_refuses(stage: &Stage, way: Way) {
    for message in messages() {
        let exchange = stage.send(way, message.with(DENY, "1")).await;
        assert_local(stage, way, &exchange, 403).await;
    }
}

every!(plain, a_route_refuses);
async fn a_route_refuses(stage: &Stage, way: Way) {
    for message in messages() {
        let exchange = stage.send(way, message.with(REFUSE, "1")).await;
        assert_eq!(exchange.body, "refused", "{way}");
        assert_local(stage, way, &exchange, 403).await;
    }
}

every!(plain, a_route_redirects);
async fn a_route_redirects(stage: &Stage, way: Way) {
    for message in messages() {
        let exchange = stage.send(way, message.with(REDIRECT, "1")).await;
        assert!(exchange.header("location").is_some_and(|to| to.ends_with("/elsewhere")), "{way}");
        assert_local(stage, way, &exchange, 301).await;
    }
}

every!(plain, no_model_server_is_there);
async fn no_model_server_is_there(stage: &Stage, way: Way) {
    for message in messages() {
        let exchange = stage.send(way, message.with(NOBODY, "1")).await;
        assert_local(stage, way, &exchange, 503).await;
    }
}

every!(plain, no_route_is_there);
async fn no_route_is_there(stage: &Stage, way: Way) {
    for mut message in messages() {
        message.headers.insert(HeaderName::from_static("host"), HeaderValue::from_static(NOWHERE));
        let exchange = stage.send(way, message).await;
        assert_local(stage, way, &exchange, 404).await;
    }
}

each!(plain, a_body_that_the_gateway_will_not_buffer_is_refused_by_it: small);
async fn a_body_that_the_gateway_will_not_buffer_is_refused_by_it(stage: &Stage, way: Way) {
    // Over HTTP/2 the limit bounds the connection's windows too, so the whole body has to lie well above it.
    let body = THINKING.repeat(80 * SMALL as usize / THINKING.len());
    for message in [ask(&body), ask(&body).in_pieces(16 << 10, None), Message::post("/v1/files", body.clone())] {
        let is_call = message.path == "/v1/chat/completions";
        let (case, reply) = stage.try_open(way, message, trackside_tests::Answer::Json).await;
        // HTTP/1 clients may find the connection closed while they still write.
        let Ok(reply) = reply else { continue };
        if reply.status == 200 {
            let exchange = stage.close(&case, reply).await;
            assert!(!is_call || exchange.seen().json()["model"] == "large", "{way}: a call passed unrouted");
            continue;
        }
        assert_eq!(reply.status, 413, "{way}");
        assert!(stage.upstream.take(&case).is_none(), "{way}");
    }
    assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
}
