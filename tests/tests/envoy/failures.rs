//! A request is never sent on undecided because something failed, unless the gateway is told to.

use crate::{BRIEF, THINKING, ask};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trackside_tests::{
    Answer, Exchange, Message, Plan, Stage, Way,
    mode::{FAILING, Mode},
    place,
    scrape::metric,
};

async fn failing() -> Option<Stage> {
    let config = place::root().join("tests/tests/envoy/router.yaml");
    let stage = Stage::build(&Plan::new(&config, &["large", "s"]).with_modes(FAILING)).await?;
    stage.forgive("streams_failed");
    Some(stage)
}

#[tokio::test]
async fn without_a_router_a_closed_gateway_refuses() {
    let Some(stage) = failing().await else { return };
    for way in Way::both("absent_closed") {
        for message in [ask(THINKING), ask(THINKING).in_pieces(7, None), Message::get("/")] {
            let exchange = stage.send(way, message).await;
            assert_eq!((exchange.status, exchange.upstream.is_none()), (500, true), "{way}");
        }
    }
}

#[tokio::test]
async fn without_a_router_an_open_gateway_passes_everything_on() {
    let Some(stage) = failing().await else { return };
    for way in Way::both("absent_open") {
        for message in [ask(THINKING), Message::get("/v1/models")] {
            let exchange = stage.send(way, message.clone()).await;
            assert_eq!((exchange.status, &exchange.seen().body), (200, message.bytes()), "{way}");
            assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
        }
    }
}

/// A call longer than any message that is read, though not longer than what the gateway may hold.
fn over_any_limit() -> Message {
    ask(&THINKING.repeat((66 << 20) / THINKING.len()))
}

#[tokio::test]
async fn a_message_too_long_to_read_fails_and_does_not_pass() {
    let Some(stage) = failing().await else { return };
    let exchange = stage.send(Way::http1("closed"), over_any_limit()).await;
    assert!(exchange.status >= 400 && exchange.upstream.is_none(), "status {}", exchange.status);
    assert_eq!(stage.send(Way::http1("closed"), ask(BRIEF)).await.status, 200);
}

#[tokio::test]
async fn a_body_too_long_to_hold_is_refused_piece_by_piece_too() {
    let Some(stage) = failing().await else { return };
    for name in ["closed_duplex", "closed_streamed"] {
        let way = Way::http2(name);
        let message = over_any_limit().in_pieces(1 << 20, None);
        let exchange = stage.send(way, message).await;
        assert_eq!((exchange.status, exchange.upstream.is_none()), (413, true), "{way}");
        assert_eq!(exchange.json()["error"]["code"], "request_too_large", "{way}");
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
    }
}

/// Longest time of the misbehaving component, unless a test is about more.
const DEADLINE: Duration = Duration::from_millis(100);

/// Every prompt here has this letter, and the request with which the component is tried before it serves has not.
const PROMPTED: &str = "w";

/// A router with a component that does this, whose rule leads to `large`, in front of the keywords that lead to `s`.
async fn misbehaving(deed: &str, on_failure: &str) -> Option<(Stage, TempDir)> {
    misbehaving_for(deed, on_failure, DEADLINE, &[]).await
}

/// The same with another time for the component, and flags.
async fn misbehaving_for(deed: &str, on_failure: &str, time: Duration, flags: &[&str]) -> Option<(Stage, TempDir)> {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let config = folder.path().join("router.json");
    std::fs::write(&config, configuration(deed, on_failure, time).to_string()).expect("it can be written");
    let modes = ["closed", "open", "closed_duplex", "closed_streamed", "hurried"].map(Mode::named);
    let plan = Plan::new(&config, &["large", "s"]).with_modes(modes).with_flags(flags.iter().copied());
    Some((Stage::build(&plan).await?, folder))
}

/// JSON is YAML.
fn configuration(deed: &str, on_failure: &str, time: Duration) -> Value {
    let model = |name: &str| json!({"name": name, "backend_refs": [{"name": name, "endpoint": "127.0.0.1:9"}]});
    let leads = |kind: &str, rule: &str, priority: u32, model: &str| {
        json!({
            "name": rule, "priority": priority, "modelRefs": [{"model": model}],
            "rules": {"operator": "OR", "conditions": [{"type": kind, "name": rule}]},
        })
    };
    let names = ["large", "medium", "s"];
    let mut rule = json!({"name": "odd", "does": deed});
    if deed != "spin-if-asked" {
        rule["when"] = json!(PROMPTED);
    }
    json!({
        "version": "v0.3",
        "providers": {"defaults": {"default_model": "medium"}, "models": names.map(model)},
        "routing": {
            "modelCards": names.map(|name| json!({"name": name})),
            "signals": {
                "keywords": [{"name": "brief", "operator": "OR", "keywords": ["In one word"]}],
                "misbehaving": [rule],
            },
            "decisions": [leads("misbehaving", "odd", 20, "large"), leads("keyword", "brief", 10, "s")],
        },
        "components": {"use": [{"type": "keyword", "limits": {"deadline": "20s"}}, {
            "type": "misbehaving",
            "source": concat!(env!("OUT_DIR"), "/trackside_misbehaving.wasm"),
            "grants": ["embeddings", "neighbours", "key-value"],
            "on_failure": on_failure,
            "limits": {"deadline": format!("{}ms", time.as_millis()), "memory": "16MiB"},
        }]},
    })
}

fn assert_refused(exchange: &Exchange, way: Way) {
    assert_eq!((exchange.status, exchange.upstream.is_none()), (503, true), "{way}: {exchange:?}");
    assert_eq!(exchange.json()["error"]["code"], "component_failed", "{way}");
}

async fn assert_policies(deed: &str) {
    let names = ["closed", "open", "closed_duplex"];
    let Some((stage, _folder)) = misbehaving(deed, "closed").await else { return };
    for way in names.iter().flat_map(|name| Way::both(name)) {
        // A gateway that may pass failures on gets an answer all the same, not a failure.
        assert_refused(&stage.send(way, ask(BRIEF)).await, way);
        assert_eq!(stage.send(way, Message::get("/")).await.status, 200, "{way}");
    }
    drop(stage);
    let Some((stage, _folder)) = misbehaving(deed, "open").await else { return };
    for way in names.iter().flat_map(|name| Way::both(name)) {
        for (prompt, model) in [(BRIEF, "s"), (THINKING, "medium")] {
            let exchange = stage.send(way, ask(prompt)).await;
            assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some(model)), "{way}");
            assert_eq!(exchange.seen().header("x-selected-model"), Some(model), "{way}");
        }
    }
}

#[tokio::test]
async fn a_component_that_traps_leads_to_what_its_policy_says() {
    assert_policies("trap").await;
}

#[tokio::test]
async fn a_component_that_never_returns_leads_to_what_its_policy_says() {
    assert_policies("spin").await;
}

#[tokio::test]
async fn a_component_that_takes_all_memory_leads_to_what_its_policy_says() {
    assert_policies("allocate").await;
}

/// Checks that the gateway that waits for 200 ms only did not give up.
fn assert_patient(stage: &Stage) {
    assert_eq!(stage.envoy.counter("hurried", "ext_proc.message_timeouts"), 0, "the gateway gave up");
}

#[tokio::test]
async fn a_decision_past_its_deadline_is_the_default_model_before_a_hurried_gateway_gives_up() {
    let flags = ["--decision-deadline", "150ms"];
    let Some((stage, _folder)) = misbehaving_for("spin", "open", AMPLE, &flags).await else { return };
    for (count, way) in Way::both("hurried").into_iter().chain(Way::both("closed_duplex")).enumerate() {
        let exchange = stage.send(way, ask(BRIEF)).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("medium")), "{way}");
        assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
        assert_eq!(exchange.header("x-vsr-selected-model"), Some("medium"), "{way}");
        let page = stage.trackside.metrics();
        let (late, why) = ("trackside_decision_timeouts_total", "reason_code=\"decision_timeout\"");
        assert_eq!(metric(&page, late, &[]), count as f64 + 1.0, "{way}");
        assert_eq!(metric(&page, "llm_routing_reason_codes_total", &[why]), count as f64 + 1.0, "{way}");
    }
    assert_patient(&stage);
}

#[tokio::test]
async fn a_hurried_gateway_is_asked_for_more_time() {
    let time = Duration::from_millis(600);
    // Longer than the gateway waits by itself, shorter than it may be asked to.
    let flags = ["--decision-deadline", "5s"];
    let Some((stage, _folder)) = misbehaving_for("spin", "open", time, &flags).await else { return };
    for way in Way::both("hurried") {
        let started = Instant::now();
        let exchange = stage.send(way, ask(BRIEF)).await;
        assert_eq!(exchange.status, 200, "{way} after {:?}", started.elapsed());
        assert_eq!(exchange.seen().json()["model"], "s", "{way}");
        assert!(started.elapsed() >= time, "{way}: the component was not slow");
    }
    assert_patient(&stage);
}

/// A time that no test waits for.
const AMPLE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_client_that_leaves_frees_the_component_that_works_for_it() {
    let Some((stage, _folder)) = misbehaving_for("spin-if-asked", "closed", AMPLE, &[]).await else { return };
    let (streams, instances) = ("trackside_extproc_streams", "trackside_component_instances");
    let alive = metric(&stage.trackside.metrics(), instances, &[]);
    for way in ["closed", "closed_duplex", "closed_streamed"].into_iter().flat_map(Way::both) {
        let at_work = async {
            stage.trackside.until(streams, &[], |open| open == 1.0).await;
            // A component at work keeps a processor busy.
            let before = stage.trackside.cpu();
            while stage.trackside.cpu() < before + Duration::from_millis(50) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            (_, reply) = stage.open(way, ask("spin"), Answer::Json) => panic!("{way}: {reply:?} came"),
            () = at_work => {}
        }
        let left = Instant::now();
        stage.trackside.until(streams, &[], |open| open == 0.0).await;
        assert!(left.elapsed() < AMPLE / 4, "{way}: the stream stayed for {:?}", left.elapsed());
        let exchange = stage.send(way, ask(BRIEF)).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("large")), "{way}");
        assert!(left.elapsed() < AMPLE / 2, "{way}: the component stayed busy for {:?}", left.elapsed());
    }
    // The instance that was stopped is gone, and at most one was made in its place.
    stage.trackside.until(instances, &[], |now| now <= alive + 1.0).await;
}
