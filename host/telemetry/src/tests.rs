use crate::{Breaker, EmbeddingCounts, Metrics, Pins, Routed};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn has(metrics: &Metrics, line: &str) {
    let text = metrics.encode();
    assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
}

fn metrics() -> Metrics {
    let metrics = Metrics::new("0.1.0");
    metrics.know_models(["auto", "qwen3-8b"].map(String::from));
    metrics
}

#[test]
fn a_routed_request_moves_the_families_of_requests() {
    let metrics = metrics();
    metrics.routed(Routed {
        original: "auto",
        selected: "qwen3-8b",
        reason_code: "auto_routing",
        latency: Duration::from_micros(60),
    });
    has(&metrics, "# TYPE llm_model_requests_total counter");
    has(&metrics, r#"llm_model_requests_total{model="qwen3-8b"} 1"#);
    has(&metrics, r#"llm_model_routing_modifications_total{source_model="auto",target_model="qwen3-8b"} 1"#);
    has(&metrics, r#"llm_routing_reason_codes_total{model="qwen3-8b",reason_code="auto_routing"} 1"#);
    has(&metrics, "# TYPE llm_model_routing_latency_seconds histogram");
    has(&metrics, r#"llm_model_routing_latency_seconds_bucket{le="0.00005"} 0"#);
    has(&metrics, r#"llm_model_routing_latency_seconds_bucket{le="0.0001"} 1"#);
    has(&metrics, r#"llm_model_routing_latency_seconds_bucket{le="2.5"} 1"#);
    has(&metrics, r#"llm_model_routing_latency_seconds_bucket{le="+Inf"} 1"#);
    has(&metrics, "llm_model_routing_latency_seconds_sum 0.00006");
    has(&metrics, "llm_model_routing_latency_seconds_count 1");
}

#[test]
fn the_embedding_threads_are_asked_whenever_somebody_looks() {
    let metrics = metrics();
    assert!(!metrics.encode().contains("trackside_embedding"));
    let looks = AtomicU64::new(0);
    metrics.watch_embeddings(move || {
        let looks = looks.fetch_add(1, Ordering::Relaxed) + 1;
        EmbeddingCounts {
            waiting: 3,
            done: 10 * looks,
            expired: 2,
            remembered: 5,
            memory_bytes: 4096,
            ..Default::default()
        }
    });
    has(&metrics, r#"trackside_embedding_texts_total{outcome="done"} 10"#);
    has(&metrics, r#"trackside_embedding_texts_total{outcome="done"} 20"#);
    for line in [
        "# TYPE trackside_embedding_waiting gauge",
        "trackside_embedding_waiting 3",
        r#"trackside_embedding_texts_total{outcome="expired"} 2"#,
        r#"trackside_embedding_texts_total{outcome="refused"} 0"#,
        r#"trackside_embedding_memory_total{result="hit"} 5"#,
        "trackside_embedding_memory_bytes 4096",
    ] {
        has(&metrics, line);
    }
    metrics.watch_embeddings(EmbeddingCounts::default);
    has(&metrics, "trackside_embedding_waiting 3");
}

#[test]
fn a_model_that_keeps_its_name_is_no_modification() {
    let metrics = metrics();
    metrics.routed(Routed { original: "qwen3-8b", selected: "qwen3-8b", reason_code: "model_specified", latency: MS });
    assert!(!metrics.encode().contains("llm_model_routing_modifications_total{"));
}

#[test]
fn signals_decisions_selections_and_plugins_are_counted_under_the_peers_names() {
    let metrics = metrics();
    metrics.signal("keyword", ["math_words"], MS);
    metrics.signal("domain", [], MS);
    metrics.decision(Some(("math", 0.7)), MS);
    metrics.decision(None, MS);
    metrics.selection("static", "qwen3-8b", "math", MS);
    metrics.plugin("system_prompt", "math", "success", MS);
    metrics.reasoning("math", "qwen3-8b", Some("high"));
    metrics.refused("", "parse_error");
    for line in [
        r#"llm_signal_extraction_total{signal_name="math_words",signal_type="keyword"} 1"#,
        r#"llm_signal_extraction_total{signal_name="none",signal_type="domain"} 1"#,
        r#"llm_signal_match_total{signal_name="math_words",signal_type="keyword"} 1"#,
        r#"llm_signal_extraction_latency_seconds_count{signal_type="domain"} 1"#,
        "llm_decision_evaluation_total 2",
        "llm_decision_evaluation_latency_seconds_count 2",
        r#"llm_decision_match_total{decision_name="math"} 1"#,
        r#"llm_decision_confidence_bucket{decision_name="math",le="0.6"} 0"#,
        r#"llm_decision_confidence_bucket{decision_name="math",le="0.7"} 1"#,
        r#"llm_decision_confidence_sum{decision_name="math"} 0.7"#,
        r#"llm_model_selection_total{decision="math",method="static",model="qwen3-8b"} 1"#,
        r#"llm_model_selection_duration_seconds_count{method="static"} 1"#,
        r#"llm_plugin_execution_total{decision_name="math",plugin_type="system_prompt",status="success"} 1"#,
        r#"llm_plugin_execution_latency_seconds_count{plugin_type="system_prompt"} 1"#,
        r#"llm_reasoning_decisions_total{category="math",effort="high",enabled="true",model="qwen3-8b"} 1"#,
        r#"llm_request_errors_total{model="other",reason="parse_error"} 1"#,
    ] {
        has(&metrics, line);
    }
}

#[test]
fn components_and_streams_are_counted_under_our_names() {
    let metrics = metrics();
    metrics.call("keyword", "signal", "ok", MS);
    metrics.component_log_dropped("keyword", 5);
    metrics.degraded("keyword", "deadline");
    metrics.stream_opened();
    metrics.stream_opened();
    metrics.stream_message("request_body");
    metrics.stream_closed("ok", Duration::from_secs(3));
    metrics.stream_phase("deciding", MS);
    metrics.body_bytes("request_received", 300);
    metrics.body_held(300);
    metrics.body_held(-100);
    metrics.body_encoding("gzip", "decoded");
    metrics.shed("streams");
    metrics.undecided("no_body");
    metrics.tls_handshake("failed");
    metrics.tls_reload("ok");
    metrics.decision_timed_out();
    metrics.watch_instances(|| 12);
    for line in [
        r#"trackside_build_info{version="0.1.0"} 1"#,
        r#"trackside_component_calls_total{component="keyword",outcome="ok",role="signal"} 1"#,
        r#"trackside_component_call_seconds_count{component="keyword",role="signal"} 1"#,
        r#"trackside_component_log_dropped_total{component="keyword"} 5"#,
        r#"trackside_degraded_total{component="keyword",reason="deadline"} 1"#,
        "# TYPE trackside_extproc_streams gauge",
        "trackside_extproc_streams 1",
        r#"trackside_extproc_messages_total{kind="request_body"} 1"#,
        r#"trackside_extproc_streams_total{outcome="ok"} 1"#,
        r#"trackside_extproc_stream_seconds_bucket{outcome="ok",le="2.5"} 0"#,
        r#"trackside_extproc_stream_seconds_bucket{outcome="ok",le="5"} 1"#,
        r#"trackside_extproc_phase_seconds_count{phase="deciding"} 1"#,
        r#"trackside_extproc_body_bytes_total{direction="request_received"} 300"#,
        "trackside_extproc_body_held_bytes 200",
        r#"trackside_extproc_body_encodings_total{encoding="gzip",outcome="decoded"} 1"#,
        r#"trackside_extproc_shed_total{reason="streams"} 1"#,
        r#"trackside_extproc_undecided_total{reason="no_body"} 1"#,
        r#"trackside_tls_handshakes_total{outcome="failed"} 1"#,
        r#"trackside_tls_reloads_total{outcome="ok"} 1"#,
        "trackside_decision_timeouts_total 1",
        "trackside_component_instances 12",
    ] {
        has(&metrics, line);
    }
}

#[test]
fn changes_while_traffic_flows_are_counted() {
    let metrics = metrics();
    metrics.generation_published(7, "file", 20 * MS);
    metrics.generation_refused("api");
    metrics.generation_unchanged("signal");
    metrics.compiled("cache", MS);
    metrics.breaker("keyword", Breaker::Open);
    metrics.breaker("keyword", Breaker::HalfOpen);
    metrics.shadow("static", "differed", Some(2 * MS));
    metrics.shadow_difference("static", -0.15);
    metrics.canary("static", "decided");
    for line in [
        "trackside_generation 7",
        r#"trackside_generations_total{cause="file",outcome="published"} 1"#,
        r#"trackside_generations_total{cause="api",outcome="refused"} 1"#,
        r#"trackside_generations_total{cause="signal",outcome="unchanged"} 1"#,
        r#"trackside_generation_seconds_bucket{cause="file",le="0.01"} 0"#,
        r#"trackside_generation_seconds_bucket{cause="file",le="0.025"} 1"#,
        r#"trackside_component_compile_seconds_count{outcome="cache"} 1"#,
        r#"trackside_component_breaker{component="keyword"} 1"#,
        r#"trackside_component_breaker_changes_total{component="keyword",state="open"} 1"#,
        r#"trackside_component_breaker_changes_total{component="keyword",state="half_open"} 1"#,
        r#"trackside_shadow_total{component="static",outcome="differed"} 1"#,
        r#"trackside_shadow_seconds_count{component="static"} 1"#,
        r#"trackside_shadow_difference_bucket{component="static",le="0.1"} 0"#,
        r#"trackside_shadow_difference_bucket{component="static",le="0.2"} 1"#,
        r#"trackside_canary_total{component="static",outcome="decided"} 1"#,
    ] {
        has(&metrics, line);
    }
    metrics.breaker("keyword", Breaker::Closed);
    has(&metrics, r#"trackside_component_breaker{component="keyword"} 0"#);
}

#[test]
fn pins_are_asked_for_whenever_somebody_looks() {
    let metrics = metrics();
    assert!(!metrics.encode().contains("trackside_pinned_streams"));
    let looks = AtomicU64::new(0);
    metrics.watch_pins(move || {
        let looks = looks.fetch_add(1, Ordering::Relaxed) + 1;
        Pins { live: looks, earlier: 3, generations: 2 }
    });
    has(&metrics, r#"trackside_pinned_streams{generation="live"} 1"#);
    has(&metrics, r#"trackside_pinned_streams{generation="live"} 2"#);
    has(&metrics, r#"trackside_pinned_streams{generation="earlier"} 3"#);
    has(&metrics, "trackside_generations_held 2");
}

#[test]
fn what_components_did_can_be_read_back() {
    let metrics = metrics();
    assert!(metrics.calls().is_empty());
    for _ in 0..98 {
        metrics.call("keyword", "signal", "ok", 80 * MS / 1000);
    }
    metrics.call("keyword", "signal", "trap", 8 * MS);
    metrics.call("keyword", "signal", "trap", Duration::from_secs(60));
    metrics.call("keyword", "selector", "ok", MS);
    let calls = metrics.calls();
    assert_eq!(calls.len(), 2);
    let keyword = &calls[&("signal".to_owned(), "keyword".to_owned())];
    assert_eq!((keyword.total(), keyword.with("ok"), keyword.with("trap"), keyword.with("fuel")), (100, 98, 2, 0));
    let (mean, p99) = (keyword.mean.unwrap(), keyword.p99.unwrap());
    assert!((600 * MS..601 * MS).contains(&mean), "{mean:?}");
    assert!((5 * MS..=10 * MS).contains(&p99), "{p99:?}");
    metrics.call("slow", "signal", "ok", Duration::from_secs(60));
    let slow = &metrics.calls()[&("signal".to_owned(), "slow".to_owned())];
    assert_eq!(slow.p99, Some(Duration::from_millis(2500)), "the last bound");
}

/// Metrics after everything has happened once.
fn eventful() -> Metrics {
    let metrics = metrics();
    metrics.routed(Routed { original: "auto", selected: "qwen3-8b", reason_code: "auto_routing", latency: MS });
    metrics.refused("auto", "parse_error");
    metrics.signal("keyword", ["math_words"], MS);
    metrics.decision(Some(("math", 0.7)), MS);
    metrics.selection("static", "qwen3-8b", "math", MS);
    metrics.plugin("system_prompt", "math", "success", MS);
    metrics.reasoning("math", "qwen3-8b", None);
    metrics.call("keyword", "signal", "ok", MS);
    metrics.component_metric("keyword", "hits", 1.0);
    metrics.component_log_dropped("keyword", 1);
    metrics.degraded("keyword", "deadline");
    metrics.stream_message("request_body");
    metrics.stream_closed("ok", MS);
    metrics.stream_phase("deciding", MS);
    metrics.body_bytes("request_received", 1);
    metrics.body_encoding("gzip", "decoded");
    metrics.shed("streams");
    metrics.undecided("no_body");
    metrics.tls_handshake("ok");
    metrics.tls_reload("ok");
    metrics.traces("sent", 1);
    metrics.generation_published(1, "start", MS);
    metrics.compiled("compiled", MS);
    metrics.breaker("keyword", Breaker::Open);
    metrics.shadow("static", "agreed", Some(MS));
    metrics.shadow_difference("static", 0.1);
    metrics.canary("static", "decided");
    metrics.watch_pins(Pins::default);
    metrics.watch_instances(|| 1);
    metrics.watch_embeddings(EmbeddingCounts::default);
    metrics
}

#[test]
fn every_family_of_the_readme_is_exposed_and_no_other() {
    let metrics = eventful();
    let rows = include_str!("../README.md").lines().filter(|line| line.starts_with("| `"));
    let words = rows.flat_map(|row| row.split('`'));
    let mut told: Vec<_> = words.filter(|w| w.starts_with("llm_") || w.starts_with("trackside_")).collect();
    let text = metrics.encode();
    let exposed: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    told.sort_unstable();
    assert_eq!(exposed, told);
}

/// The words of a query that come before one of these characters.
fn words_before<'a>(query: &'a str, ends: &'a str) -> impl Iterator<Item = &'a str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let found = query.char_indices().filter(move |(_, c)| ends.contains(*c));
    found.map(move |(at, _)| query[..at].rsplit(|c| !is_word(c)).next().unwrap_or_default())
}

#[test]
fn the_dashboard_asks_only_for_what_is_exposed() {
    let dashboard: serde_json::Value =
        serde_json::from_str(include_str!("../../../config/grafana/trackside.json")).unwrap();
    let page = eventful().encode();
    let series: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let grouped = query.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
            let grouped: Vec<&str> = grouped.flat_map(|(labels, _)| labels.split(", ")).collect();
            for name in words_before(query, "{").filter(|name| !name.is_empty()) {
                asked += 1;
                let of_it = series.iter().find(|line| line.split(['{', ' ']).next() == Some(name));
                let of_it = of_it.unwrap_or_else(|| panic!("nothing exposes {name}: {query}"));
                for label in grouped.iter().copied().chain(words_before(query, "=!")).filter(|label| !label.is_empty())
                {
                    // What the scraper adds.
                    let added = ["job", "instance"].contains(&label);
                    assert!(added || of_it.contains(&format!("{label}=")), "{name} has no label {label}: {query}");
                }
            }
        }
    }
    assert!(asked > 40, "only {asked} metrics are shown");
}

#[test]
fn label_values_that_are_equal_when_joined_do_not_count_for_each_other() {
    let metrics = metrics();
    for (component, reason) in [("ab", "c"), ("a", "bc"), ("ab", "c")] {
        metrics.degraded(component, reason);
    }
    has(&metrics, r#"trackside_degraded_total{component="ab",reason="c"} 2"#);
    has(&metrics, r#"trackside_degraded_total{component="other",reason="other"} 1"#);
}

#[test]
fn a_flood_of_unknown_models_makes_one_series() {
    let metrics = metrics();
    for n in 0..5000 {
        metrics.refused(&format!("model-{n}"), "model_not_found");
    }
    has(&metrics, r#"llm_request_errors_total{model="other",reason="model_not_found"} 5000"#);
}

#[test]
fn a_flood_of_label_values_ends_in_one_series() {
    let metrics = metrics();
    for n in 0..5000 {
        metrics.degraded(&format!("component-{n}"), "trap");
    }
    let series = metrics.encode().lines().filter(|line| line.starts_with("trackside_degraded_total{")).count();
    assert_eq!(series, 1001);
    has(&metrics, r#"trackside_degraded_total{component="other",reason="other"} 4000"#);
}

#[test]
fn a_component_has_fifty_counters_of_its_own() {
    let metrics = metrics();
    for n in 0..60 {
        metrics.component_metric("greedy", &format!("counter_{n}"), 0.5);
    }
    metrics.component_metric("modest", "hits", 2.0);
    metrics.component_metric("modest", "hits", -1.0);
    metrics.component_metric("modest", "hits", f64::NAN);
    metrics.component_metric("modest", "Not a name", 1.0);
    has(&metrics, r#"trackside_component_metric_total{component="greedy",name="other"} 5"#);
    has(&metrics, r#"trackside_component_metric_total{component="modest",name="hits"} 2"#);
    let text = metrics.encode();
    assert_eq!(text.lines().filter(|line| line.contains("component=\"modest\"")).count(), 1);
    assert_eq!(text.lines().filter(|line| line.contains("component=\"greedy\"")).count(), 51);
}

#[test]
fn label_values_are_escaped() {
    let metrics = metrics();
    metrics.degraded("a\"b\\c\nd", "trap");
    has(&metrics, r#"trackside_degraded_total{component="a\"b\\c\nd",reason="trap"} 1"#);
}

#[test]
fn counts_from_many_threads_add_up() {
    let metrics = metrics();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| metrics.component_metric("c", "n", 0.5)));
        }
    });
    has(&metrics, r#"trackside_component_metric_total{component="c",name="n"} 2000"#);
}
