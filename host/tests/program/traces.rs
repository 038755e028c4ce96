//! Traces of requests, from the gateway's headers to the spans.

use crate::gateway::Stream;
use crate::process::{Server, command, get, get_with, run};
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

/// What Prometheus asks for that stores exemplars.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

fn openmetrics(server: &Server) -> String {
    let headers = format!("host: {}\r\naccept: {ACCEPT}\r\n", server.metrics);
    let answer = get_with(server.metrics, "/metrics", &headers);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(answer.status == 200 && answer.head.to_ascii_lowercase().contains(kind), "{}", answer.head);
    assert!(answer.body.ends_with("\n# EOF\n"), "{}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latency_leads_to_the_trace_of_a_request_that_took_so_long() {
    let serve = ["serve", "--api", "127.0.0.1:0", "--decision-deadline", "20s"];
    let server = Server::launch(command().args(serve).env("OTEL_TRACES_EXPORTER", "console"));
    ask(&server, &[("traceparent", &format!("00-{TRACE}-{PARENT}-00"))]).await;
    let page = openmetrics(&server);
    assert!(page.contains("llm_model_routing_latency_seconds_count 1\n") && !page.contains(" # {"), "{page}");
    ask(&server, &[("traceparent", &format!("00-{TRACE}-{PARENT}-01"))]).await;
    // A stream counts when the gateway has ended it and not when its last answer is there.
    while !openmetrics(&server).contains("trackside_extproc_stream_seconds_count{outcome=\"completed\"} 2\n") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let page = openmetrics(&server);
    let plain = get(server.metrics, "/metrics");
    assert!(plain.head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4"), "{}", plain.head);
    assert!(!plain.body.contains(TRACE) && !plain.body.contains("# EOF"), "{}", plain.body);
    let spans = spans(&server.end());
    let root = spans.iter().find(|span| span["name"] == "semantic_router.request.received").unwrap();
    let ids = format!("{{trace_id=\"{TRACE}\",span_id=\"{}\"}}", root["span_id"].as_str().unwrap());
    for series in [
        "llm_model_routing_latency_seconds_bucket{",
        "llm_signal_extraction_latency_seconds_bucket{signal_type=\"domain\",",
        "llm_decision_evaluation_latency_seconds_bucket{",
        "llm_plugin_execution_latency_seconds_bucket{",
        "trackside_component_call_seconds_bucket{component=\"domain\",role=\"signal\",",
        "trackside_extproc_phase_seconds_bucket{phase=\"deciding\",",
        "trackside_extproc_stream_seconds_bucket{outcome=\"completed\",",
    ] {
        let buckets = page.lines().filter(|line| line.starts_with(series));
        let mut leading = buckets.filter_map(|line| line.split_once(" # ")).map(|(_, exemplar)| exemplar);
        assert!(leading.any(|exemplar| exemplar.starts_with(&ids)), "{series} leads not to {ids}:\n{page}");
    }
    let told = page.lines().filter(|line| line.contains(" # {"));
    told.for_each(|line| assert!(line.contains(&ids) && line.contains("_bucket{"), "{line}"));
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
