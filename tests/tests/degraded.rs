//! A component that misbehaves costs its own answer, and nothing else.

use bytes::Bytes;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trackside_tests::{
    Trackside,
    direct::{Gateway, Verdict},
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
/// How late an answer may be on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(5);

/// The router with a misbehaving signal: its rule leads to the model `odd`, the word "large" to the model `large`.
struct Degraded {
    trackside: Trackside,
    gateway: Gateway,
    _folder: TempDir,
}

impl Degraded {
    async fn start(deed: &str, memory: &str, on_failure: &str) -> Degraded {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let config = folder.path().join("router.json");
        std::fs::write(&config, configuration(deed, memory, on_failure).to_string()).expect("it can be written");
        let trackside = Trackside::start(&config).await;
        let gateway = Gateway::connect(trackside.extproc).await.expect("it listens");
        Degraded { trackside, gateway, _folder: folder }
    }

    /// Asks, and tells the model and how long the answer took.
    async fn ask(&mut self, text: &str) -> (Verdict, Duration) {
        let body = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
        let started = Instant::now();
        let verdict = self.gateway.ask(Bytes::from(body.to_string())).await.expect("the stream is not ended");
        (verdict, started.elapsed())
    }

    fn counted(&self, outcome: &str) -> f64 {
        let labels = ["component=\"misbehaving\"", "role=\"signal\"", &format!("outcome=\"{outcome}\"")];
        metric(&self.trackside.metrics(), "trackside_component_calls_total", &labels)
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
    json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "small"}, "models": models},
        "routing": {
            "modelCards": cards,
            "signals": {
                "keywords": [{"name": "large", "operator": "OR", "keywords": ["large"]}],
                "misbehaving": [{"name": "odd", "does": deed}],
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
            [("a large one", "large"), ("another", "small"), ("large", "large")].iter().enumerate()
        {
            let (verdict, took) = router.ask(text).await;
            assert_eq!(model(&verdict), *goes_to, "{deed}");
            assert!(took < DEADLINE + SLACK, "{deed} held the request for {took:?}");
            assert_eq!(router.counted(outcome), count as f64 + 1.0, "{deed}: {}", router.trackside.metrics());
        }
        assert_eq!(router.counted("ok"), 0.0, "{deed}");
        let labels = ["component=\"misbehaving\"", &format!("reason=\"{outcome}\"")];
        assert_eq!(metric(&router.trackside.metrics(), "trackside_degraded_total", &labels), 3.0, "{deed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_component_refuses_the_request_instead() {
    for (deed, memory, outcome) in DEEDS {
        let mut router = Degraded::start(deed, memory, "closed").await;
        let (verdict, took) = router.ask("a large one").await;
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
        assert_eq!((router.counted("deadline"), router.counted("ok")), (f64::from(round), f64::from(round)));
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
