//! The life of the executable and of what happens in it: crowds of streams that come and leave, guests whose client is
//! gone, the end, and a successor.

mod stream;

use serde_json::{Value, json};
use std::ffi::OsString;
use std::time::{Duration, Instant};
use stream::{Connections, Half, goes_to};
use tempfile::TempDir;
use tonic::{Code, Status};
use trackside_tests::{Trackside, scrape, scrape::metric};

const STREAMS: usize = 1000;
const ABANDONED: usize = 250;
/// How often the crowd comes.
const VISITS: usize = 6;
/// Kinds of components that the configuration needs; each may have two instances for each core.
const COMPONENTS: usize = 5;

/// The word "large" leads to the model of that name, everything else to `small`; the text "spin" makes a guest compute
/// until it is stopped.
fn configuration() -> Value {
    let model = |name: &str| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]});
    let leads = |priority: u32, kind: &str, rule: &str, model: &str| {
        let rules = json!({"operator": "OR", "conditions": [{"type": kind, "name": rule}]});
        json!({"name": rule, "priority": priority, "modelRefs": [{"model": model}], "rules": rules})
    };
    json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "small"}, "models": [model("small"), model("large")]},
        "routing": {
            "modelCards": [{"name": "small"}, {"name": "large"}],
            "signals": {
                "keywords": [{"name": "big", "operator": "OR", "keywords": ["large"]}],
                "misbehaving": [{"name": "odd", "does": "spin-if-asked"}],
            },
            "decisions": [leads(20, "keyword", "big", "large"), leads(10, "misbehaving", "odd", "small")],
        },
        "components": {"use": [
            {
                "type": "misbehaving",
                "source": concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm"),
                "grants": ["embeddings", "neighbours", "key-value"],
                "limits": {"deadline": "15s"},
            },
            // A crowd that asks all at once waits for instances for longer than the usual few milliseconds.
            {"type": "ask", "limits": {"deadline": "15s"}},
            {"type": "keyword", "limits": {"deadline": "15s"}},
            {"type": "priority", "limits": {"deadline": "15s"}},
            {"type": "reasoning", "limits": {"deadline": "15s"}},
        ]},
    })
}

/// A router with flags of its own, and connections to it.
struct Router {
    trackside: Trackside,
    connections: Connections,
    _folder: TempDir,
}

impl Router {
    async fn start(flags: &[&str]) -> Router {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("router.json");
        std::fs::write(&config, configuration().to_string()).expect("it can be written");
        let more = ["--log", "warn,trackside=info", "--decision-deadline", "20s"];
        let flags: Vec<OsString> = more.iter().chain(flags).map(OsString::from).collect();
        let trackside = Trackside::start_with(&config, &flags).await;
        let connections = Connections::open(trackside.extproc).await;
        Router { trackside, connections, _folder: folder }
    }

    fn now(&self, name: &str) -> f64 {
        metric(&self.trackside.metrics(), name, &[])
    }

    /// Opens streams, each with half a body, and waits until the router has all of them.
    async fn crowd(&self, count: usize) -> Vec<Half> {
        let halves = (0..count).map(|number| self.connections.ask_half(number)).collect();
        self.trackside.until("trackside_extproc_streams", &[], |open| open >= count as f64).await;
        halves
    }

    /// A crowd of which some leave in the middle, and the others are answered.
    async fn visit(&self) {
        let mut crowd = self.crowd(STREAMS).await;
        crowd.truncate(STREAMS - ABANDONED);
        finish(crowd).await;
        self.trackside.until("trackside_extproc_streams", &[], |open| open == 0.0).await;
        assert_eq!(self.now("trackside_extproc_body_held_bytes"), 0.0);
    }
}

/// Sends the other halves; each has to be answered with the model that its number stands for.
async fn finish(crowd: Vec<Half>) {
    for (number, half) in crowd.iter().enumerate() {
        assert!(half.is_waiting(), "stream {number} has an answer to half a request");
        half.complete();
    }
    for half in crowd {
        let (number, model) = half.model().await;
        let model = model.unwrap_or_else(|status| panic!("stream {number}: {status}"));
        assert_eq!(model, goes_to(number), "stream {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_that_leave_in_the_middle_leave_nothing_behind() {
    let router = Router::start(&[]).await;
    let most = COMPONENTS * 2 * std::thread::available_parallelism().expect("there are cores").get();
    let mut resident = vec![router.trackside.resident() >> 10];
    let alone = router.now("trackside_component_instances");
    for _ in 0..VISITS {
        router.visit().await;
        resident.push(router.trackside.resident() >> 10);
        let instances = router.now("trackside_component_instances");
        assert!(0.0 < instances && instances <= most as f64, "{instances} instances where {most} may rest");
    }
    println!("KiB resident before the crowds and after each: {resident:?}");
    // What the crowds needed is given back when nobody has needed it for a while.
    router.trackside.until("trackside_component_instances", &[], |alive| alive <= alone).await;
    println!("KiB resident at rest: {}", router.trackside.resident() >> 10);
    // The first crowd touches code and tables that nobody needed before. What it needs itself it gives back, and from then
    // on there is nothing to keep.
    let [before, filled, last] = [0, VISITS / 2, VISITS].map(|visit| resident[visit]);
    assert!(last < before + 24 * 1024, "memory stays after crowds: {resident:?} KiB");
    assert!(last < filled + 16 * 1024, "memory grows: {resident:?} KiB");
    let page = router.trackside.metrics();
    let finished =
        |outcome: &str| metric(&page, "trackside_extproc_streams_total", &[&format!("outcome=\"{outcome}\"")]);
    assert_eq!(finished("cancelled"), (VISITS * ABANDONED) as f64, "{page}");
    assert_eq!(finished("completed"), (VISITS * (STREAMS - ABANDONED)) as f64, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_crowd_leaves_no_request_unanswered() {
    let router = Router::start(&["--notice", "0", "--grace", "60"]).await;
    let mut crowd = router.crowd(STREAMS).await;
    crowd.truncate(STREAMS - ABANDONED);
    router.trackside.signal("TERM");
    while std::net::TcpStream::connect(router.trackside.extproc).is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The old one still holds the crowd's streams while the new one listens in its place.
    let successor = router.trackside.start_again().await;
    let connections = Connections::open(successor.extproc).await;
    let newcomers: Vec<_> = (0..50).map(|number| connections.ask_half(number)).collect();
    finish(crowd).await;
    finish(newcomers).await;
    router.trackside.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_announced_and_lets_requests_pass_that_are_decided() {
    let router = Router::start(&["--notice", "2", "--grace", "1"]).await;
    let parked = router.connections.ask_half(1);
    parked.complete();
    router.trackside.until("trackside_extproc_messages_total", &["kind=\"request_body\""], |seen| seen >= 2.0).await;
    let undecided = router.connections.ask_half(2);
    router.trackside.until("trackside_extproc_streams", &[], |open| open == 2.0).await;

    router.trackside.signal("TERM");
    while scrape::get(router.trackside.api, "/ready").expect("the API answers to the end").0 != 503 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A gateway that has not heard of it yet, on a new connection.
    let late = Connections::open(router.trackside.extproc).await.ask_half(3);
    late.complete();
    assert_eq!(late.model().await.1.expect("it is answered within the notice"), goes_to(3));

    let (_, model) = parked.end().await;
    assert_eq!(model.expect("the request may pass, so the stream ends well"), goes_to(1));
    let status: Status = undecided.model().await.1.expect_err("nothing was decided, so the request must not pass");
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    router.trackside.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_freed_when_its_client_leaves() {
    let router = Router::start(&[]).await;
    let mut frees = Vec::new();
    let (calls, keyword) = ("trackside_component_calls_total", ["component=\"keyword\""]);
    // The component was tried before it served.
    let tried = metric(&router.trackside.metrics(), calls, &keyword);
    for round in 1..=5 {
        let spinning = router.connections.ask("spin");
        router.trackside.until(calls, &keyword, |calls| calls >= tried + f64::from(round)).await;
        let busy = router.now("trackside_component_instances");
        let left = Instant::now();
        drop(spinning);
        while router.now("trackside_component_instances") >= busy {
            assert!(left.elapsed() < Duration::from_secs(10), "the guest goes on for nobody");
        }
        frees.push(left.elapsed());
        assert_eq!(router.now("trackside_extproc_streams"), 0.0);
    }
    frees.sort_unstable();
    println!("guests freed within {frees:?} of their client's leaving");
    // Their own deadline is 15 s, and a guest that computes looks up once in a millisecond. The rest is a busy machine's.
    assert!(frees[2] < Duration::from_millis(100), "{frees:?}");
}
