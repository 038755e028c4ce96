//! `trackside serve`: its ports, its API, its metrics, its log, and its end.

use crate::process::{BROKEN, Server, file, get, post, run};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use trackside_extproc::proto::external_processor_client::ExternalProcessorClient;
use trackside_extproc::proto::{HeaderMap, HeaderValue, HttpBody, HttpHeaders, ProcessingRequest};
use trackside_extproc::proto::{processing_request::Request, processing_response::Response};

const DERIVATIVE: &str = r#"{"text": "What is the derivative of x^3?"}"#;

#[test]
fn probes_and_models_are_answered() {
    let server = Server::start(&[]);
    let health = get(server.api, "/health");
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("healthy")));
    assert!(health.head.to_ascii_lowercase().contains("x-request-id: "), "{}", health.head);
    let ready = get(server.api, "/ready").json();
    assert_eq!((&ready["ready"], &ready["status"]), (&true.into(), &"ready".into()));
    let models = get(server.api, "/v1/models").json();
    assert_eq!((&models["object"], &models["data"][0]["object"]), (&"list".into(), &"model".into()));
    let routing = &models["data"][0]["routing"];
    assert_eq!((&routing["resolution"], &routing["default_route"]), (&"virtual".into(), &true.into()));
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "auto"));
}

#[test]
fn a_prompt_is_classified_and_evaluated() {
    let server = Server::start(&[]);
    for path in ["/classify", "/api/v1/classify/intent"] {
        let answer = post(server.api, path, DERIVATIVE);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.head.contains("x-request-id: r-1"), "the client's id comes back: {}", answer.head);
        let answer = answer.json();
        assert_eq!(answer["classification"]["category"], "math");
        assert!(answer["classification"]["confidence"].as_f64().unwrap() > 0.0);
        assert_eq!(answer["recommended_model"], "reasoning-model");
        assert_eq!(answer["routing_decision"], "math");
        assert_eq!(answer["matched_signals"]["domains"][0], "math");
        assert_eq!(answer["decision_result"]["matched_rules"][0], "domain:math");
    }
    let messages = r#"{"messages": [{"role": "user", "content": "walk me through it"}], "model": "auto"}"#;
    let answer = post(server.api, "/api/v1/eval", messages).json();
    assert_eq!(answer["original_text"], "walk me through it");
    assert_eq!(answer["requested_model"], "auto");
    assert_eq!(answer["decision_result"]["decision_name"], "thinking");
    assert_eq!(answer["decision_result"]["plugins"][0], "system_prompt");
    assert_eq!(answer["decision_result"]["matched_signals"]["keywords"][0], "thinking");
    assert_eq!(
        (&answer["selected_model"], &answer["selection_status"]),
        (&"reasoning-model".into(), &"selected".into())
    );
    assert!(answer["metrics"]["keywords"]["execution_time_ms"].as_f64().unwrap() > 0.0);
    assert!(answer["signal_confidences"]["keyword:thinking"].as_f64().unwrap() > 0.0);
    assert_eq!(answer["signal_errors"].as_object().unwrap().len(), 0);
}

#[test]
fn what_makes_no_sense_is_refused_in_one_shape() {
    let server = Server::start(&[]);
    let large = "x".repeat(11 << 20);
    for (answer, status, code) in [
        (get(server.api, "/nothing"), 404, "NOT_FOUND"),
        (get(server.api, "/classify"), 405, "METHOD_NOT_ALLOWED"),
        (post(server.api, "/classify", "{"), 400, "INVALID_INPUT"),
        (post(server.api, "/classify", "[]"), 400, "INVALID_INPUT"),
        (post(server.api, "/classify", "{}"), 400, "INVALID_INPUT"),
        (post(server.api, "/classify", r#"{"text": 1}"#), 400, "INVALID_INPUT"),
        (post(server.api, "/api/v1/eval", r#"{"text": "x", "model": "gpt-9"}"#), 400, "INVALID_INPUT"),
        (post(server.api, "/api/v1/eval", r#"{"messages": [3]}"#), 400, "INVALID_INPUT"),
        (post(server.api, "/classify", large), 413, "REQUEST_BODY_TOO_LARGE"),
    ] {
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error["code"].as_str()), (status, Some(code)), "{}", answer.body);
        assert!(error["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn decisions_show_in_metrics_and_in_the_log() {
    let server = Server::start(&[]);
    // A probe has called every component by now; of requests nothing is counted yet.
    let domain = r#"trackside_component_calls_total{component="domain",outcome="ok",role="signal"} "#;
    let calls = |page: &str| page.lines().find_map(|line| line.strip_prefix(domain)?.parse::<u64>().ok()).unwrap();
    let probed = calls(&get(server.metrics, "/metrics").body);
    post(server.api, "/classify", DERIVATIVE);
    let event = server.event("routing_decision");
    assert_eq!((&event["request_id"], &event["generation"]), (&"r-1".into(), &1.into()));
    assert_eq!((&event["selected_model"], &event["decision"]), (&"reasoning-model".into(), &"math".into()));
    assert_eq!((&event["reason_code"], &event["reasoning_enabled"]), (&"auto_routing".into(), &true.into()));
    assert!(event["routing_latency_ms"].as_f64().unwrap().fract() != 0.0, "milliseconds with a fraction: {event}");
    assert!(!event.to_string().contains("derivative"), "no word of the prompt: {event}");

    let scraped = get(server.metrics, "/metrics");
    assert!(scraped.head.contains("text/plain; version=0.0.4"), "{}", scraped.head);
    for line in [
        "llm_model_requests_total{model=\"reasoning-model\"} 1",
        "llm_model_routing_latency_seconds_count 1",
        "llm_signal_match_total{signal_name=\"math\",signal_type=\"domain\"} 1",
        "llm_decision_match_total{decision_name=\"math\"} 1",
        "llm_plugin_execution_total{decision_name=\"math\",plugin_type=\"system_prompt\",status=\"success\"} 1",
        "trackside_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(scraped.body.lines().any(|l| l == line), "no {line} in\n{}", scraped.body);
    }
    assert_eq!(calls(&scraped.body), probed + 1);
    assert_eq!(get(server.api, "/metrics").status, 404, "metrics have a port of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_gets_the_rewritten_request() {
    let server = Server::start(&[]);
    let mut gateway = ExternalProcessorClient::connect(format!("http://{}", server.extproc)).await.unwrap();
    let header = |key: &str, value: &'static str| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().into(),
        ..HeaderValue::default()
    };
    let headers = vec![
        header(":method", "POST"),
        header(":path", "/v1/chat/completions"),
        header("content-type", "application/json"),
    ];
    let body = r#"{"model":"auto","messages":[{"role":"user","content":"What is the derivative of x^3?"}]}"#;
    let messages = [
        Request::RequestHeaders(HttpHeaders { headers: Some(HeaderMap { headers }), end_of_stream: false }),
        Request::RequestBody(HttpBody { body: body.into(), end_of_stream: true }),
    ];
    let messages = messages.map(|request| ProcessingRequest { request: Some(request), ..Default::default() });
    let mut answers = gateway.process(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut text = String::new();
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(Response::RequestBody(body)) = &answer.response {
            text = format!("{body:?}");
        }
    }
    assert!(text.contains("reasoning-model") && text.contains("x-selected-model"), "{text}");
    assert!(get(server.metrics, "/metrics").body.contains("trackside_extproc_messages_total{kind=\"request_body\"} 1"));
}

#[test]
fn a_signal_drains_and_ends_in_peace() {
    let mut server = Server::start(&["--notice", "2", "--grace", "1"]);
    server.signal("-TERM");
    assert_eq!(server.event("draining")["signal"], "SIGTERM");
    let patience = Instant::now() + Duration::from_secs(2);
    while get(server.api, "/ready").status != 503 {
        assert!(Instant::now() < patience, "still ready while draining");
    }
    assert_eq!(get(server.api, "/health").status, 200);
    assert!(TcpStream::connect(server.extproc).is_ok(), "there is notice before the port closes");
    assert_eq!(server.wait().code(), Some(0));
    assert!(TcpStream::connect(server.extproc).is_err());
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--notice", "600"]);
    server.signal("-INT");
    server.event("draining");
    server.signal("-INT");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_named_and_the_start_tells_what_embeds() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let output = run(&["serve", "--extproc", &taken, "--api", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{log}");
    assert!(log.contains(&format!("cannot listen on {taken}")), "{log}");
    let starting = log.lines().find(|line| line.contains("\"event\":\"starting\"")).unwrap();
    for part in
        ["\"model\":\"all-MiniLM-L6-v2\"", "\"architecture\":\"bert\"", "\"precision\":\"", "\"fingerprint\":\""]
    {
        assert!(starting.contains(part), "no {part} in {starting}");
    }
}

#[test]
fn nothing_listens_before_the_configuration_is_good() {
    let path = file("serve/broken.yaml", BROKEN);
    let output = run(&["serve", "--config", path.to_str().unwrap(), "--extproc", "127.0.0.1:0"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("E0106") && !log.contains("listening"), "{log}");
}
