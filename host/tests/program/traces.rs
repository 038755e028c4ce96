//! Traces of requests, from the gateway's headers to the spans.

use crate::gateway::Stream;
use crate::process::{Server, command, get, run};
use serde_json::Value;
use std::net::TcpListener;
use tonic::transport::Endpoint;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// The spans of the log, and whatever else it holds.
fn spans(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "span").collect()
}

async fn ask(server: &Server, headers: &[(&str, &str)]) {
    let channel = Endpoint::from_shared(format!("http://{}", server.extproc)).unwrap().connect().await.unwrap();
    let mut stream = Stream::open(channel, headers).await.unwrap();
    stream.ask("What is the derivative of x^3?").await.unwrap();
    stream.respond("200").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_under_the_gateways_span() {
    let serve = ["serve", "--api", "127.0.0.1:0", "--decision-deadline", "20s"];
    let server = Server::launch(command().args(serve).env("OTEL_TRACES_EXPORTER", "console"));
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    ask(&server, &[("traceparent", &traceparent), ("x-request-id", "r-7")]).await;
    let unwanted = format!("00-{TRACE}-{PARENT}-00");
    ask(&server, &[("traceparent", &unwanted)]).await;
    let spans = spans(&server.end());
    assert!(spans.iter().all(|span| span["trace_id"] == TRACE), "one of two is wanted: {spans:?}");
    let named = |name: &str| {
        let mut found = spans.iter().filter(|span| span["name"] == format!("semantic_router.{name}"));
        let (first, more) = (found.next(), found.next());
        assert!(more.is_none(), "two spans {name}");
        first.unwrap_or_else(|| panic!("no span {name} in {spans:?}"))
    };
    let root = named("request.received");
    assert_eq!(root["parent_span_id"], PARENT);
    for name in ["signal.evaluation", "decision.evaluation", "upstream.request"] {
        assert_eq!(named(name)["parent_span_id"], root["span_id"], "{name}");
    }
    assert_eq!(named("signal.domain")["parent_span_id"], named("signal.evaluation")["span_id"]);
    let begun = |span: &Value| span["start_unix_nano"].as_u64().unwrap();
    let ended = |span: &Value| begun(span) + span["duration_us"].as_u64().unwrap() * 1000;
    for span in &spans {
        // Microseconds are cut off at the end.
        let inside = begun(span) >= begun(root) && ended(span) <= ended(root) + 1000;
        assert!(inside && span["failure"].is_null(), "{span} in {root}");
    }
    for (name, attributes) in [
        (
            "request.received",
            &[
                "request.id=r-7",
                "http.request.method=POST",
                "url.path=/v1/chat/completions ",
                "http.response.status_code=200",
                "gen_ai.operation.name=chat",
                "gen_ai.request.model=auto",
                "routing.selected_model=reasoning-model",
                "decision.name=math",
                "trackside.generation=1",
            ][..],
        ),
        ("signal.domain", &["signal.type=domain", "signal.matched_rules=[math]", "signal.confidence=0."]),
        ("decision.evaluation", &["decision.name=math", "decision.matched_rules=[", "domain:math"]),
        ("upstream.request", &["gen_ai.provider.name=openai", "gen_ai.request.model=reasoning-model"]),
    ] {
        let told = named(name)["attributes"].as_str().unwrap();
        let missing: Vec<_> = attributes.iter().filter(|attribute| !told.contains(**attribute)).collect();
        assert!(missing.is_empty(), "{name} is without {missing:?}: {told}");
        assert!(!told.contains("derivative") && !told.contains("key=k"), "{told}");
    }
    let plugins = spans.iter().filter(|span| span["name"] == "semantic_router.plugin.execution").count();
    assert!(plugins > 0, "{spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_told_once_and_costs_nothing_else() {
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serve = ["serve", "--api", "127.0.0.1:0", "--notice", "0"];
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{absent}"));
    let server = Server::launch(command().args(serve).envs([endpoint]));
    ask(&server, &[]).await;
    let told = server.event("traces_not_sent");
    assert_eq!(told["level"], "warn", "{told}");
    ask(&server, &[]).await;
    while !get(server.metrics, "/metrics").body.contains("trackside_traces_total{outcome=\"failed\"} 2") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let log = server.end();
    assert!(!log.contains("traces_not_sent"), "{log}");
    assert!(log.contains("\"event\":\"ended\""), "{log}");
}

#[test]
fn a_wish_that_cannot_be_met_is_told_at_the_start() {
    let output = command().args(["serve"]).env("OTEL_TRACES_EXPORTER", "zipkin").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{log}");
    assert!(log.contains("zipkin"), "{log}");
    assert_eq!(run(&["serve", "--help"]).status.code(), Some(0));
}
