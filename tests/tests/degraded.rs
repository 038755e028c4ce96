//! A component that misbehaves costs its own answer, and nothing else.

use bytes::Bytes;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trackside_tests::{
    Trackside,
    direct::{Gateway, Passage, Verdict},
    scrape::metric,
};

/// What the component does, the memory that it may use, and the word by which its failed call is counted.
const DEEDS: [(&str, &str, &str); 7] = [
    ("trap", "16MiB", "trap"),
    ("panic", "16MiB", "trap"),
    ("recurse", "16MiB", "trap"),
    ("spin", "16MiB", "deadline"),
    ("allocate", "16MiB", "memory"),
    ("answer-much", "16MiB", "memory"),
    ("answer-much", "512MiB", "output"),
];

/// The deadline of a component that would not end.
const DEADLINE: Duration = Duration::from_millis(200);
/// The deadline of one that fails otherwise, which may take its time to fill 100 MB on a busy machine.
const AMPLE: Duration = Duration::from_secs(20);
/// The word in a request at which the component does what it does. Elsewhere it finds nothing, or no snapshot with it
/// would come through its probe.
const NOW: &str = "now";
/// How late an answer may be on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(5);

/// The router with a misbehaving signal: its rule leads to the model `odd`, the word "large" to the model `large`.
struct Degraded {
    trackside: Trackside,
    gateway: Gateway,
    /// Answered calls of the component while it was probed.
    probed: f64,
    _folder: TempDir,
}

impl Degraded {
    async fn start(deed: &str, memory: &str, on_failure: &str) -> Degraded {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("router.json");
        std::fs::write(&config, configuration(deed, memory, on_failure).to_string()).expect("it can be written");
        let trackside = Trackside::start(&config).await;
        let gateway = Gateway::connect(trackside.extproc).await.expect("it listens");
        let mut degraded = Degraded { trackside, gateway, probed: 0.0, _folder: folder };
        degraded.probed = degraded.counted("ok");
        degraded
    }

    /// Asks, and tells the model and how long the answer took.
    async fn ask(&mut self, text: &str) -> (Verdict, Duration) {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        let started = Instant::now();
        let verdict = self.gateway.ask(Bytes::from(body.to_string())).await.expect("the stream is not ended");
        (verdict, started.elapsed())
    }

    /// The same for a client that asks to be told, up to the answer.
    async fn pass(&mut self, text: &str) -> Passage {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]}).to_string();
        self.gateway.pass(&[("x-vsr-debug", "true")], body.into()).await.expect("the stream is not ended")
    }

    /// Calls of the component, those that probed it included.
    fn counted(&self, outcome: &str) -> f64 {
        let labels = ["component=\"misbehaving\"", "role=\"signal\"", &format!("outcome=\"{outcome}\"")];
        metric(&self.trackside.metrics(), "trackside_component_calls_total", &labels)
    }

    fn answered(&self) -> f64 {
        self.counted("ok") - self.probed
    }

    /// Waits until so many requests went without the component, which is counted once their answers are out.
    async fn went_without(&self, reason: &str, requests: f64) {
        let labels = ["component=\"misbehaving\"", &format!("reason=\"{reason}\"")];
        self.trackside.until("trackside_degraded_total", &labels, |counted| counted == requests).await;
    }
}

/// JSON is YAML.
fn configuration(deed: &str, memory: &str, on_failure: &str) -> Value {
    let model = |name: &str| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]});
    let names = ["small", "large", "odd"];
    let (models, cards) = (names.map(model), names.map(|name| json!({"name": name})));
    let leads = |kind: &str, rule: &str, priority: u32, model: &str| {
        json!({
            "name": model, "priority": priority, "modelRefs": [{"model": model}],
            "rules": {"operator": "OR", "conditions": [{"type": kind, "name": rule}]},
        })
    };
    let mut rule = json!({"name": "odd", "does": deed});
    if deed != "spin-if-asked" {
        rule["when"] = json!(NOW);
    }
    json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "small"}, "models": models},
        "routing": {
            "modelCards": cards,
            "signals": {
                "keywords": [{"name": "large", "operator": "OR", "keywords": ["large"]}],
                "misbehaving": [rule],
            },
            "decisions": [leads("misbehaving", "odd", 20, "odd"), leads("keyword", "large", 10, "large")],
        },
        "components": {"use": [{
            "type": "misbehaving",
            "source": concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm"),
            "grants": ["embeddings", "neighbours", "key-value"],
            "on_failure": on_failure,
            "limits": {"deadline": format!("{}ms", deadline(deed).as_millis()), "memory": memory},
        }]},
    })
}

fn deadline(deed: &str) -> Duration {
    if deed.starts_with("spin") { DEADLINE } else { AMPLE }
}

fn model(verdict: &Verdict) -> String {
    let body = verdict.body.as_ref().unwrap_or_else(|| panic!("the body was not rewritten: {verdict:?}"));
    let body: Value = serde_json::from_slice(body).expect("the body is JSON");
    body["model"].as_str().expect("it names a model").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_answer_the_request_goes_where_the_other_signals_say() {
    for (deed, memory, outcome) in DEEDS {
        let mut router = Degraded::start(deed, memory, "open").await;
        for (count, (text, goes_to)) in
            [("a large one now", "large"), ("another now", "small"), ("large now", "large")].iter().enumerate()
        {
            let (verdict, took) = router.ask(text).await;
            assert_eq!(model(&verdict), *goes_to, "{deed}");
            assert!(took < DEADLINE + SLACK, "{deed} held the request for {took:?}");
            assert_eq!(router.counted(outcome), count as f64 + 1.0, "{deed}: {}", router.trackside.metrics());
        }
        assert_eq!(router.answered(), 0.0, "{deed}");
        router.went_without(outcome, 3.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_component_refuses_the_request_instead() {
    for (deed, memory, outcome) in DEEDS {
        let mut router = Degraded::start(deed, memory, "closed").await;
        let (verdict, took) = router.ask("a large one now").await;
        assert_eq!(verdict.immediate, Some(503), "{deed}: {verdict:?}");
        assert!(took < DEADLINE + SLACK, "{deed} held the request for {took:?}");
        assert_eq!(router.counted(outcome), 1.0, "{deed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_failed_answers_the_next_request() {
    let mut router = Degraded::start("spin-if-asked", "16MiB", "open").await;
    for round in 1..=3 {
        let (verdict, took) = router.ask("spin").await;
        assert_eq!(model(&verdict), "small");
        assert!(took >= DEADLINE, "it was stopped after {took:?}, before its deadline");
        let (verdict, _) = router.ask("large").await;
        assert_eq!(model(&verdict), "odd");
        assert_eq!((router.counted("deadline"), router.answered()), (f64::from(round), f64::from(round)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beside_a_spinning_one_are_served() {
    let mut router = Degraded::start("spin-if-asked", "16MiB", "open").await;
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut gateway = router.gateway.clone();
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": "spin"}]}).to_string();
        spinning.spawn(async move { gateway.ask(body.into()).await.expect("the stream is not ended") });
    }
    for _ in 0..20 {
        let (verdict, _) = router.ask("large").await;
        assert_eq!(model(&verdict), "odd");
    }
    for verdict in spinning.join_all().await {
        assert_eq!(model(&verdict), "small");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_keeps_failing_is_left_alone_and_tried_again() {
    let mut router = Degraded::start("trap", "16MiB", "open").await;
    for _ in 0..20 {
        router.ask("a large one now").await;
    }
    let passage = router.pass("a large one now").await;
    assert_eq!(model(&passage.verdict), "large");
    assert_eq!(passage.told("x-vsr-degraded"), Some("misbehaving: breaker_open"), "{passage:?}");
    // Not even a request that it could serve reaches it.
    router.ask("large").await;
    assert_eq!((router.counted("trap"), router.answered()), (20.0, 0.0));
    router.went_without("breaker_open", 2.0).await;

    let patience = Instant::now() + Duration::from_secs(60);
    while router.answered() == 0.0 {
        assert!(Instant::now() < patience, "it is not tried again: {}", router.trackside.metrics());
        tokio::time::sleep(Duration::from_millis(200)).await;
        router.ask("large").await;
    }
    let passage = router.pass("a large one").await;
    assert_eq!(passage.told("x-vsr-degraded"), None, "it serves again: {passage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_legs_tell_the_generation_to_who_asks() {
    let mut router = Degraded::start("match", "16MiB", "open").await;
    let passage = router.pass("now").await;
    let stamp = ("x-vsr-generation".to_owned(), "1".to_owned());
    assert!(passage.request.contains(&stamp) && passage.response.contains(&stamp), "{passage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_compared_beside_the_active_component_and_decides_where_it_may() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let twin = folder.path().join("twin.wasm");
    let active = std::fs::read(concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm")).expect("it is built");
    // A custom section that nobody reads makes it another component.
    std::fs::write(&twin, [&active, &b"\x00\x05\x04twin"[..]].concat()).expect("it can be written");
    let mut config = configuration("match", "16MiB", "open");
    for (percent, canary) in [(100, 0), (0, 100)] {
        config["components"]["shadow"] =
            json!([{"type": "misbehaving", "source": twin, "percent": percent, "canary": canary}]);
        let path = folder.path().join("router.json");
        std::fs::write(&path, config.to_string()).expect("it can be written");
        let trackside = Trackside::start(&path).await;
        let mut gateway = Gateway::connect(trackside.extproc).await.expect("it listens");
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": "now"}]}).to_string();
        for _ in 0..5 {
            let verdict = gateway.ask(body.clone().into()).await.expect("the stream is not ended");
            assert_eq!(model(&verdict), "odd");
        }
        let (name, outcome) =
            if canary == 0 { ("trackside_shadow_total", "agreed") } else { ("trackside_canary_total", "decided") };
        let labels = ["component=\"misbehaving\"", &format!("outcome=\"{outcome}\"")];
        let patience = Instant::now() + Duration::from_secs(60);
        while metric(&trackside.metrics(), name, &labels) < 5.0 {
            assert!(Instant::now() < patience, "{name}: {}", trackside.metrics());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
