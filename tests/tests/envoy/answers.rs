//! What the model server says reaches the client as it was said.

use crate::{BRIEF, THINKING, ask};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use trackside_tests::{Answer, Exchange, Http, Message, Own, Stage, Way, upstream::COMPLETION};

/// The headers of an answer that tell what was decided.
fn told(exchange: &Exchange) -> Vec<&str> {
    exchange.headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-vsr-")).collect()
}

fn assert_told(exchange: &Exchange, decision: Option<&str>, model: &str, way: Way) {
    assert_eq!(exchange.header("x-vsr-schema-version"), Some("2"), "{way}");
    assert_eq!(exchange.header("x-vsr-response-path"), Some("upstream"), "{way}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), decision, "{way}");
    assert_eq!(exchange.header("x-vsr-selected-model"), Some(model), "{way}");
    assert_eq!(exchange.header("x-vsr-selected-confidence").is_some(), decision.is_some(), "{way}");
    assert_eq!(exchange.header("x-vsr-selected-algorithm").is_some(), decision.is_some(), "{way}");
}

routed!(plain, a_json_answer_keeps_its_bytes_and_tells_the_decision);
streamed!(plain, a_json_answer_to_a_streamed_call, a_json_answer_keeps_its_bytes_and_tells_the_decision);
async fn a_json_answer_keeps_its_bytes_and_tells_the_decision(stage: &Stage, way: Way) {
    for (prompt, decision, model) in
        [(THINKING, Some("thinking"), "large"), (BRIEF, Some("brief"), "s"), ("Hello.", None, "medium")]
    {
        let exchange = stage.send(way, ask(prompt)).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert_eq!(exchange.body, COMPLETION, "{way}");
        assert_eq!(exchange.header("content-type"), Some("application/json"), "{way}");
        assert_told(&exchange, decision, model, way);
    }
}

bodiless!(plain, an_answer_to_what_was_not_decided_tells_nothing);
each!(plain, an_answer_whose_headers_are_not_shown_tells_nothing, an_answer_to_what_was_not_decided_tells_nothing:
    response_headers_skipped response_headers_skipped_duplex);
async fn an_answer_to_what_was_not_decided_tells_nothing(stage: &Stage, way: Way) {
    let exchange = stage.send(way, ask(THINKING)).await;
    assert_eq!((exchange.status, &exchange.body[..]), (200, COMPLETION.as_bytes()), "{way}");
    assert_eq!(told(&exchange), [""; 0], "{way}");
}

every!(plain, errors_of_the_model_server_pass_as_they_are);
async fn errors_of_the_model_server_pass_as_they_are(stage: &Stage, way: Way) {
    for (status, body) in [(404, r#"{ "error":"no such model" }"#), (503, ""), (500, "plain"), (429, "{}")] {
        let exchange = stage.send_for(way, ask(THINKING), Answer::status(status, body)).await;
        let what = format!("{status}, {way}");
        assert_eq!((exchange.status, &exchange.body[..]), (status, body.as_bytes()), "{what}");
        assert_eq!(told(&exchange), [""; 0], "{what}");
        assert!(exchange.upstream.is_some(), "{what}");
    }
}

every!(plain, redirects_of_the_model_server_pass_as_they_are);
async fn redirects_of_the_model_server_pass_as_they_are(stage: &Stage, way: Way) {
    for status in [301, 303, 307, 308] {
        let answer = Own::new(status, "elsewhere").with("location", "https://models.example/v1?x=1#y");
        let exchange = stage.send_for(way, ask(THINKING), Answer::Own(answer)).await;
        assert_eq!((exchange.status, &exchange.body[..]), (status, &b"elsewhere"[..]), "{way}");
        assert_eq!(exchange.header("location"), Some("https://models.example/v1?x=1#y"), "{way}");
        assert_eq!(told(&exchange), [""; 0], "{status}, {way}");
    }
}

every!(plain, answers_without_a_body_pass);
async fn answers_without_a_body_pass(stage: &Stage, way: Way) {
    for status in [200, 204, 304, 404] {
        let exchange =
            stage.send_for(way, ask(THINKING), Answer::Own(Own::new(status, "").with("etag", "\"a\""))).await;
        assert_eq!((exchange.status, exchange.body.len()), (status, 0), "{way}");
        assert_eq!(exchange.header("etag"), Some("\"a\""), "{status}, {way}");
    }
    let length = Own::new(200, "").with("content-length", "4711");
    let exchange = stage.send_for(way, Message::of(Method::HEAD, "/v1/files/1"), Answer::Own(length)).await;
    // Where answers are shown piece by piece, the gateway takes the length away beforehand.
    let told = exchange.header("content-length");
    assert!(exchange.status == 200 && told.is_none_or(|told| told == "4711"), "{way}: {exchange:?}");
}

every!(plain, three_megabytes_of_answer_pass_byte_for_byte);
async fn three_megabytes_of_answer_pass_byte_for_byte(stage: &Stage, way: Way) {
    let body: Bytes = (0..3 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    for message in [ask(THINKING), Message::get("/v1/files/1/content")] {
        let exchange = stage.send_for(way, message, Answer::Own(Own::new(200, body.clone()))).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert!(exchange.body == body, "{way}: {} bytes came, and not those that were sent", exchange.body.len());
    }
}

every!(plain, headers_of_an_answer_pass_as_they_are);
async fn headers_of_an_answer_pass_as_they_are(stage: &Stage, way: Way) {
    let answer = Own::new(200, "{}").with("set-cookie", "a=1").with("set-cookie", "b=2").with("x-odd", "\t spaced ");
    let long = "v".repeat(20_000);
    let exchange = stage.send_for(way, ask(THINKING), Answer::Own(answer.with("x-long", &long))).await;
    let cookies: Vec<_> = exchange.headers.get_all("set-cookie").iter().map(http::HeaderValue::as_bytes).collect();
    assert_eq!((exchange.status, cookies), (200, vec![&b"a=1"[..], b"b=2"]), "{way}");
    assert_eq!(exchange.header("x-odd").map(str::trim), Some("spaced"), "{way}");
    assert_eq!(exchange.header("x-long"), Some(long.as_str()), "{way}");
}

every!(plain, trailers_of_an_answer_pass);
async fn trailers_of_an_answer_pass(stage: &Stage, way: Way) {
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-usage"), HeaderValue::from_static("17 tokens"))]);
    let answer = || Answer::Own(Own::new(200, COMPLETION).with_trailers(trailers.clone()));
    for message in [ask(THINKING), Message::get("/v1/files/1")] {
        let exchange = stage.send_for(way, message.with("te", "trailers"), answer()).await;
        assert_eq!((exchange.status, &exchange.body[..]), (200, COMPLETION.as_bytes()), "{way}");
        // Over HTTP/1 a gateway that knows the length of a whole body has no place for trailers.
        let told = way.http == Http::One && exchange.header("content-length").is_some();
        assert_eq!(exchange.trailers, (!told).then(|| trailers.clone()), "{way}");
    }
}
