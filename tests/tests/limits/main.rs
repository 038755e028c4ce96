//! Deadlines and limits of the real router, seen from a gateway: the answer in so many words, and the counter.

#[allow(dead_code, reason = "shared with the tests of that gateway, which use all of it")]
#[path = "../agentgateway/gateway.rs"]
mod gateway;
#[allow(dead_code, reason = "shared with the tests of that gateway, which use all of it")]
#[path = "../agentgateway/headers.rs"]
mod headers;
#[allow(dead_code, reason = "shared with the tests of that gateway, which use all of it")]
#[path = "../agentgateway/policy.rs"]
mod policy;
#[allow(dead_code, reason = "shared with the tests of that gateway, which use all of it")]
#[path = "../agentgateway/wire.rs"]
mod wire;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use gateway::{Answer, Beside, Call, Done, Gateway, Upload};
use policy::{Body, Policy};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    io::Write as _,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use trackside_extproc::proto::{
    HttpBody, HttpHeaders, ProcessingRequest, external_processor_client::ExternalProcessorClient,
    processing_request::Request,
};
use trackside_tests::{Trackside, scrape::metric};
use wire::Stream;

/// How late an answer may be on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(5);

const BUFFERED: Policy = Policy::new(Body::Buffered, Body::None);
const DUPLEX: Policy = Policy::new(Body::Duplex, Body::None);

/// A router whose signal spins when a prompt asks it to, for far longer than any decision may take.
struct Router {
    trackside: Trackside,
    _folder: TempDir,
}

impl Router {
    async fn start(default_model: Option<&str>, on_failure: &str, flags: &[&str]) -> Router {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("router.json");
        std::fs::write(&config, configuration(default_model, on_failure).to_string()).expect("it can be written");
        let flags: Vec<OsString> = flags.iter().map(OsString::from).collect();
        Router { trackside: Trackside::start_with(&config, &flags).await, _folder: folder }
    }

    async fn client(&self) -> ExternalProcessorClient<tonic::transport::Channel> {
        ExternalProcessorClient::connect(format!("http://{}", self.trackside.extproc)).await.expect("it listens")
    }

    async fn carry(&self, policy: Policy, call: Call) -> Done {
        let gateway = Gateway { client: self.client().await, policy, beside: Beside::default() };
        let answer = Answer { status: "200", headers: Vec::new(), pieces: vec![Bytes::from_static(b"{}")] };
        gateway.carry(call, answer).await.expect("the exchange is not broken")
    }

    fn count(&self, name: &str, labels: &[&str]) -> f64 {
        metric(&self.trackside.metrics(), name, labels)
    }
}

/// JSON is YAML.
fn configuration(default_model: Option<&str>, on_failure: &str) -> Value {
    let models = ["small", "odd"];
    json!({
        "version": "v0.3",
        "providers": {
            "defaults": default_model.map_or(json!({}), |name| json!({"default_model": name})),
            "models": models.map(|name| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]})),
        },
        "routing": {
            "modelCards": models.map(|name| json!({"name": name})),
            "signals": {"misbehaving": [{"name": "odd", "does": "spin-if-asked"}]},
            "decisions": [{
                "name": "odd", "priority": 20, "modelRefs": [{"model": "odd"}],
                "rules": {"operator": "OR", "conditions": [{"type": "misbehaving", "name": "odd"}]},
            }],
        },
        "components": {"use": [{
            "type": "misbehaving",
            "source": concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm"),
            "grants": ["embeddings", "neighbours", "key-value"],
            "on_failure": on_failure,
            "limits": {"deadline": "60s", "memory": "16MiB"},
        }]},
    })
}

fn call(text: &str) -> Call {
    let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]}).to_string();
    Call { method: "POST", path: "/v1/chat/completions", headers: Vec::new(), upload: Upload::Sized(body.into()) }
}

fn model(done: &Done) -> Value {
    let body: Value = serde_json::from_slice(&done.upstream.as_ref().expect("it went on").1).expect("it is JSON");
    body["model"].clone()
}

fn refused(done: &Done) -> (i32, Value) {
    let immediate = done.immediate.as_ref().expect("it was refused");
    let body: Value = serde_json::from_slice(&immediate.body).expect("it is JSON");
    (immediate.status.expect("it has a status").code, body["error"]["code"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_deadline_the_default_model_gets_the_request() {
    let router = Router::start(Some("small"), "open", &["--decision-deadline", "300ms"]).await;
    for (round, policy) in [(1.0, BUFFERED), (2.0, DUPLEX)] {
        let started = Instant::now();
        let slow = Call { headers: headers::fields(&[("x-vsr-debug", "true")]), ..call("spin") };
        let done = router.carry(policy, slow).await;
        let took = started.elapsed();
        assert_eq!(model(&done), "small");
        assert!((Duration::from_millis(300)..Duration::from_millis(300) + SLACK).contains(&took), "{took:?}");
        let (told, _) = done.answer.as_ref().expect("the upstream answered");
        let degraded = headers::get(told, "x-vsr-degraded").expect("it was asked for");
        assert!(degraded.contains("misbehaving: deadline") && degraded.contains("decision: timeout"), "{degraded}");
        assert_eq!(headers::get(told, "x-vsr-selected-decision"), None);
        let reason = ["reason_code=\"decision_timeout\"", "model=\"small\""];
        assert_eq!(router.count("llm_routing_reason_codes_total", &reason), round);
        assert_eq!(router.count("trackside_decision_timeouts_total", &[]), round);
        assert_eq!(router.count("trackside_degraded_total", &["component=\"decision\"", "reason=\"timeout\""]), round);
    }
    let done = router.carry(BUFFERED, call("something else")).await;
    assert_eq!(model(&done), "odd");
    assert_eq!(headers::get(&done.answer.expect("the upstream answered").0, "x-vsr-degraded"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_default_model_a_late_decision_is_a_refusal() {
    let router = Router::start(None, "open", &["--decision-deadline", "300ms"]).await;
    for policy in [BUFFERED, DUPLEX] {
        assert_eq!(refused(&router.carry(policy, call("spin")).await), (503, json!("decision_timeout")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_must_not_be_left_out_refuses_the_request_at_the_deadline() {
    let router = Router::start(Some("small"), "closed", &["--decision-deadline", "300ms"]).await;
    assert_eq!(refused(&router.carry(BUFFERED, call("spin")).await), (503, json!("component_failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_time_limit_ends_a_decision_too() {
    let router = Router::start(Some("small"), "open", &["--decision-deadline", "60s"]).await;
    let started = Instant::now();
    let gateway = Gateway {
        client: router.client().await,
        policy: BUFFERED,
        beside: Beside { initial: vec![("grpc-timeout", "2000m")], ..Beside::default() },
    };
    let answer = Answer { status: "200", headers: Vec::new(), pieces: Vec::new() };
    let done = gateway.carry(call("spin"), answer).await.expect("the exchange is not broken");
    assert_eq!(model(&done), "small");
    assert!(started.elapsed() < Duration::from_secs(2) + SLACK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_stops_the_component_that_works_for_it() {
    let router = Router::start(Some("small"), "open", &["--decision-deadline", "60s"]).await;
    let mut stream = Stream::open(router.client().await, &[]);
    let head = headers::fields(&[(":method", "POST"), (":path", "/v1/chat/completions")]);
    let head = HttpHeaders { headers: Some(headers::map(&head)), end_of_stream: false };
    let told = Some(BUFFERED.told());
    stream.send(ProcessingRequest {
        protocol_config: told,
        request: Some(Request::RequestHeaders(head)),
        ..Default::default()
    });
    stream.next("an answer to the headers").await.expect("it comes");
    let Upload::Sized(body) = call("spin").upload else { panic!("it has a length") };
    let body = HttpBody { body, end_of_stream: true };
    stream.send(ProcessingRequest { request: Some(Request::RequestBody(body)), ..Default::default() });
    router.trackside.until("trackside_extproc_messages_total", &["kind=\"request_body\""], |count| count == 1.0).await;
    let before = router.trackside.cpu();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(router.trackside.cpu() - before > Duration::from_millis(50), "the component is at work");
    // A stream that is dropped is reset, as gateways do whose client has gone.
    drop(stream);
    router.trackside.until("trackside_extproc_streams", &[], |open| open == 0.0).await;
    let before = router.trackside.cpu();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let used = router.trackside.cpu() - before;
    assert!(used < Duration::from_millis(100), "{used:?} of work for nobody");
    assert_eq!(router.count("trackside_extproc_streams_total", &["outcome=\"cancelled\""]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_limit_are_refused_in_so_many_words() {
    let router = Router::start(Some("small"), "open", &["--max-body-bytes", "1000"]).await;
    let long = "x".repeat(1000);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(long.as_bytes()).expect("it fits into memory");
    let compressed = Call {
        headers: headers::fields(&[("content-encoding", "gzip")]),
        upload: Upload::Sized([encoder.finish().expect("it fits into memory"), vec![0; 8]].concat().into()),
        ..call("")
    };
    for policy in [BUFFERED, Policy::new(Body::Partial, Body::None), DUPLEX] {
        assert_eq!(refused(&router.carry(policy, call(&long)).await), (413, json!("request_too_large")), "{policy:?}");
    }
    let corrupt = refused(&router.carry(BUFFERED, compressed.clone()).await);
    assert_eq!(corrupt, (400, json!("invalid_encoding")));
    let labels = ["encoding=\"gzip\"", "outcome=\"corrupt\""];
    assert_eq!(router.count("trackside_extproc_body_encodings_total", &labels), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_router_may_hold_is_shed_and_counted() {
    let router = Router::start(Some("small"), "open", &["--max-held-bytes", "500", "--max-streams", "2"]).await;
    for policy in [BUFFERED, DUPLEX] {
        assert_eq!(refused(&router.carry(policy, call(&"x".repeat(1000))).await), (503, json!("overloaded")));
    }
    assert_eq!(router.count("trackside_extproc_shed_total", &["reason=\"bytes\""]), 2.0);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = Stream::open(router.client().await, &[]);
        let head = headers::fields(&[(":method", "POST"), (":path", "/v1/chat/completions")]);
        let head = HttpHeaders { headers: Some(headers::map(&head)), end_of_stream: false };
        let told = Some(BUFFERED.told());
        stream.send(ProcessingRequest {
            protocol_config: told,
            request: Some(Request::RequestHeaders(head)),
            ..Default::default()
        });
        stream.next("an answer to the headers").await.expect("it comes");
        open.push(stream);
    }
    let done = router.carry(DUPLEX, call("one too many")).await;
    assert_eq!(refused(&done), (503, json!("overloaded")));
    let headers = done.immediate.expect("it was refused").headers.expect("it has some").set_headers;
    let header = |name| headers.iter().filter_map(|option| option.header.as_ref()).find(|header| header.key == name);
    assert_eq!(header("retry-after").expect("when to come again").raw_value, "1");
    assert_eq!(router.count("trackside_extproc_shed_total", &["reason=\"streams\""]), 1.0);
    drop(open);
    router.trackside.until("trackside_extproc_streams", &[], |open| open == 0.0).await;
    assert_eq!(model(&router.carry(BUFFERED, call("again")).await), "odd");
}
