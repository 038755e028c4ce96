//! Bodies that come slowly, in pieces, with trailers.

use crate::{THINKING, ask};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tempfile::TempDir;
use trackside_tests::{
    Answer, Exchange, Http, Message, Plan, Stage, Upload, Way,
    mode::{Body, Mode},
    place,
};

fn checksum() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("x-checksum"), HeaderValue::from_static("abc"))])
}

/// Sends a body in pieces, each once the gateway has read the one before.
async fn send_slowly(stage: &Stage, way: Way, message: Message, pieces: &[&[u8]]) -> Exchange {
    const READ: &str = "downstream_cx_rx_bytes_total";
    let (message, feed) = message.fed();
    let sending = stage.open(way, message, Answer::Json);
    let feeding = async move {
        for piece in pieces {
            let before = stage.envoy.counter(way.mode.name, READ);
            feed.send(Bytes::copy_from_slice(piece)).expect("the request is under way");
            stage.envoy.until(way.mode.name, READ, before + piece.len() as u64).await;
        }
    };
    let ((case, reply), ()) = tokio::join!(sending, feeding);
    stage.close(&case, reply).await
}

fn in_three(message: &Message) -> [&[u8]; 3] {
    let body = message.bytes();
    let (first, rest) = body.split_at(body.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    [first, second, third]
}

routed!(plain, a_slow_upload_is_routed);
async fn a_slow_upload_is_routed(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = send_slowly(stage, way, message.clone(), &in_three(&message)).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().json()["model"], "large", "{way}");
    assert_eq!(exchange.seen().json()["messages"][1]["content"], THINKING, "{way}");
    assert_eq!(exchange.seen().header("x-selected-model"), Some("large"), "{way}");
    assert_eq!(exchange.route(), "large", "{way}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some("thinking"), "{way}");
}

#[tokio::test]
async fn a_route_stays_where_the_configuration_wants_it_to() {
    const NAMES: [&str; 3] = ["buffered", "partial", "duplex"];
    let folder = TempDir::new().expect("a temporary folder can be made");
    let config = folder.path().join("router.yaml");
    let rules = std::fs::read_to_string(place::root().join("tests/tests/envoy/router.yaml")).expect("it can be read");
    let rules = format!("{rules}\nglobal: {{router: {{clear_route_cache: false}}}}\n");
    std::fs::write(&config, rules).expect("it can be written");
    let Some(stage) = Stage::build(&Plan::new(&config, &["large"]).with_modes(NAMES.map(Mode::named))).await else {
        return;
    };
    for way in NAMES.iter().flat_map(|name| Way::both(name)) {
        let message = ask(THINKING);
        let exchange = send_slowly(&stage, way, message.clone(), &in_three(&message)).await;
        assert_eq!(exchange.seen().header("x-selected-model"), Some("large"), "{way}");
        assert_eq!(exchange.route(), "default", "{way}");
    }
}

streamed!(plain, a_slow_upload_is_edited);
async fn a_slow_upload_is_edited(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = send_slowly(stage, way, message.clone(), &in_three(&message)).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().json()["model"], "large", "{way}");
    assert_eq!(exchange.seen().json()["messages"][1]["content"], THINKING, "{way}");
    assert_eq!(exchange.header("x-vsr-selected-decision"), Some("thinking"), "{way}");
}

bodiless!(plain, a_slow_upload_passes);
async fn a_slow_upload_passes(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = send_slowly(stage, way, message.clone(), &in_three(&message)).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().body, message.bytes(), "{way}");
}

every!(plain, a_slow_upload_that_is_no_call_passes);
async fn a_slow_upload_that_is_no_call_passes(stage: &Stage, way: Way) {
    let message = Message::post("/v1/files", "first, second, third");
    let exchange = send_slowly(stage, way, message.clone(), &[b"first, ", b"second, ", b"third"]).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().body, message.bytes(), "{way}");
}

routed!(plain, trailers_arrive_behind_an_edited_body);
each!(plain, trailers_that_are_shown, trailers_arrive_behind_an_edited_body: trailers_buffered trailers_partial);
async fn trailers_arrive_behind_an_edited_body(stage: &Stage, way: Way) {
    let message = ask(THINKING);
    let exchange = stage.send(way, message.clone().in_pieces(7, Some(checksum()))).await;
    assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
    if way.mode.request == Body::BufferedPartial && exchange.seen().header("x-selected-model").is_none() {
        // Behind trailers the end of the body is not told, so the part that is shown may be any part.
        assert_eq!(exchange.seen().body, message.bytes(), "{way}");
        return;
    }
    assert_eq!(exchange.seen().json()["model"], "large", "{way}");
    assert_eq!(exchange.seen().json()["messages"][1]["content"], THINKING, "{way}");
    assert_eq!(exchange.route(), "large", "{way}");
    // A buffered body goes on with its length told, and over HTTP/1 such a body has no trailers.
    let told = way.mode.shown() == Body::Buffered && way.http == Http::One;
    assert_eq!(exchange.seen().trailers, (!told).then(checksum), "{way}");
}

streamed!(plain, no_byte_is_lost_before_trailers);
async fn no_byte_is_lost_before_trailers(stage: &Stage, way: Way) {
    for size in [7, 20_000] {
        let message = ask(THINKING);
        let exchange = stage.send(way, message.clone().in_pieces(size, Some(checksum()))).await;
        assert_eq!(exchange.status, 200, "{way}: {exchange:?}");
        assert_eq!(exchange.seen().json()["messages"].as_array().map(Vec::len), Some(2), "{way}");
        assert_eq!(exchange.seen().json()["model"], "large", "{way}");
        assert_eq!(exchange.seen().trailers, Some(checksum()), "{way}");
    }
}

every!(plain, trailers_of_what_is_no_call_pass);
async fn trailers_of_what_is_no_call_pass(stage: &Stage, way: Way) {
    let body = Bytes::from_static(b"\x01\x02\x03 and so on");
    let message = Message::post("/v1/files", body.clone()).in_pieces(4, Some(checksum()));
    let exchange = stage.send(way, message).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().body, body, "{way}");
    assert_eq!(exchange.seen().trailers, Some(checksum()), "{way}");
}

each!(plain, trailers_behind_no_body_pass: duplex duplex_both trailers_buffered trailers_streamed buffered streamed none);
async fn trailers_behind_no_body_pass(stage: &Stage, way: Way) {
    let message = Message::post("/v1/files", "").in_pieces(4, Some(checksum()));
    let exchange = stage.send(way, message).await;
    assert_eq!(exchange.status, 200, "{way}");
    assert_eq!(exchange.seen().body, "", "{way}");
    assert_eq!(exchange.seen().trailers, Some(checksum()), "{way}");
}

/// Numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// Cuts anywhere. A gateway ends connections on which empty pieces come.
    fn cut(&mut self, mut body: Bytes) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while !body.is_empty() {
            let longest = [3, 50, 3000, 70_000][self.below(4)];
            pieces.push(body.split_to((1 + self.below(longest)).min(body.len())));
        }
        pieces
    }
}

every!(plain, any_bytes_in_any_pieces_arrive);
async fn any_bytes_in_any_pieces_arrive(stage: &Stage, way: Way) {
    let mut chance = Chance(way.mode.name.len() as u64 + way.http as u64);
    for longest in [10, 1000, 200_000] {
        let length = chance.below(longest);
        let anything = Bytes::from(chance.bytes(length));
        let content: String = anything.iter().map(|byte| char::from(byte % 64 + b'#')).collect();
        let content = serde_json::Value::from(content);
        let call = format!("{{\"messages\":[{{\"content\": {content} ,\"role\":\"user\"}}], \"model\":\"medium\"}}\n");
        let calls = (Message::chat(""), Bytes::from(call));
        for (message, body) in [(Message::post("/v1/files", ""), anything), calls] {
            for trailers in [None, Some(checksum())] {
                let upload = Upload::Pieces(chance.cut(body.clone()), trailers);
                let exchange = stage.send(way, Message { upload, ..message.clone() }).await;
                assert_eq!(exchange.status, 200, "{} bytes, {way}: {exchange:?}", body.len());
                assert!(exchange.seen().body == body, "{} bytes changed, {way}", body.len());
            }
        }
    }
}
