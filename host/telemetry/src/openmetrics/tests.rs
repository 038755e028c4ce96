use crate::trace::{Context, Destination, Flush, Sampler, Settings, Span, Trace, Tracer};
use crate::{Metrics, Routed};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const LATENCY: &str = "llm_model_routing_latency_seconds_bucket";

/// Of which nothing is ever sent.
struct Nothing;

impl Trace for Nothing {
    fn spans(self) -> (Context, Vec<Span>) {
        unreachable!("no trace ends")
    }
}

fn tracer() -> (Tracer<Nothing>, Flush<Nothing>) {
    let settings = Settings {
        destination: Destination::Log,
        sampler: Sampler::DEFAULT,
        timeout: Duration::from_secs(1),
        resource: Vec::new(),
    };
    Tracer::start(settings, "1", Arc::new(Metrics::new("1"))).unwrap()
}

fn context(flag: &str) -> Option<Context> {
    tracer().0.begin(Some(&format!("00-{TRACE}-00f067aa0ba902b7-{flag}")))
}

fn routed(metrics: &Metrics, micros: u64) {
    let latency = Duration::from_micros(micros);
    metrics.routed(Routed { original: "auto", selected: "auto", reason_code: "auto_routing", latency });
}

/// The one line of a page that starts like this.
fn line<'a>(page: &'a str, start: &str) -> &'a str {
    let mut found = page.lines().filter(|line| line.starts_with(start));
    let (first, more) = (found.next(), found.next());
    assert!(more.is_none(), "more than one {start} in\n{page}");
    first.unwrap_or_else(|| panic!("no {start} in\n{page}"))
}

#[test]
fn families_are_written_as_openmetrics_wants_them() {
    let metrics = Metrics::new("0.1.0");
    routed(&metrics, 60);
    metrics.component_metric("keyword", "hits", f64::MAX);
    metrics.component_metric("keyword", "hits", f64::MAX);
    metrics.stream_opened();
    metrics.stream_closed("ok", Duration::from_secs(700));
    let page = metrics.encode_openmetrics();
    for wanted in [
        "# TYPE llm_model_requests counter",
        "# HELP llm_model_requests Requests by the model they go to.",
        r#"llm_model_requests_total{model="other"} 1"#,
        "# TYPE trackside_extproc_streams gauge",
        "trackside_extproc_streams 0",
        // The name without the suffix is another family's.
        "# TYPE trackside_extproc_streams_total unknown",
        r#"trackside_extproc_streams_total{outcome="ok"} 1"#,
        r#"trackside_component_metric_total{component="keyword",name="hits"} +Inf"#,
        "# TYPE llm_model_routing_latency_seconds histogram",
        r#"llm_model_routing_latency_seconds_bucket{le="0.00005"} 0"#,
        r#"llm_model_routing_latency_seconds_bucket{le="0.0001"} 1"#,
        r#"llm_model_routing_latency_seconds_bucket{le="1.0"} 1"#,
        r#"llm_model_routing_latency_seconds_bucket{le="+Inf"} 1"#,
        "llm_model_routing_latency_seconds_sum 0.00006",
        "llm_model_routing_latency_seconds_count 1",
        r#"trackside_extproc_stream_seconds_bucket{outcome="ok",le="600.0"} 0"#,
        r#"trackside_extproc_stream_seconds_bucket{outcome="ok",le="+Inf"} 1"#,
    ] {
        assert_eq!(line(&page, wanted), wanted);
    }
    assert!(page.ends_with("\n# EOF\n") && page.matches("# EOF").count() == 1, "{page}");
    assert!(!page.contains("\n\n") && !page.contains(" # {"), "{page}");
}

#[test]
fn both_formats_tell_the_same_series() {
    let metrics = Metrics::new("0.1.0");
    routed(&metrics, 60);
    metrics.degraded("keyword", "deadline");
    metrics.stream_closed("ok", Duration::from_secs(700));
    let series = |page: String| {
        let lines = page.lines().filter(|line| !line.starts_with('#')).map(|line| line.replace(".0\"}", "\"}"));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(series(metrics.encode_openmetrics()), series(metrics.encode()));
}

#[test]
fn label_values_are_escaped() {
    let metrics = Metrics::new("0.1.0");
    metrics.degraded("a\"b\\c\nd\u{e9}", "trap");
    let page = metrics.encode_openmetrics();
    let wanted = r#"trackside_degraded_total{component="a\"b\\c\ndé",reason="trap"} 1"#;
    assert_eq!(line(&page, "trackside_degraded_total{"), wanted);
}

#[test]
fn the_last_kept_trace_stands_beside_the_bucket_that_its_request_fell_into() {
    let metrics = Metrics::new("0.1.0");
    let (first, last) = (context("01").unwrap(), context("01").unwrap());
    assert_ne!(first.span, last.span);
    first.during(|| routed(&metrics, 60));
    last.during(|| routed(&metrics, 70));
    last.during(|| routed(&metrics, 10_000_000));
    assert_eq!(context("00"), None, "the gateway keeps no such trace, and neither do we");
    routed(&metrics, 80);
    routed(&metrics, 200);
    let page = metrics.encode_openmetrics();
    let span = format!("{:016x}", u64::from_be_bytes(last.span));
    for (le, count, value) in [("0.0001", 3, "0.00007"), ("+Inf", 5, "10")] {
        let found = line(&page, &format!("{LATENCY}{{le=\"{le}\"}} "));
        let (sample, exemplar) = found.split_once(" # ").unwrap();
        assert_eq!(sample, format!("{LATENCY}{{le=\"{le}\"}} {count}"));
        let (labels, rest) = exemplar.split_once("} ").unwrap();
        assert_eq!(labels, format!("{{trace_id=\"{TRACE}\",span_id=\"{span}\""));
        let characters = labels.chars().filter(char::is_ascii_alphanumeric).count() + "__".len();
        assert!(characters == 63 && characters <= 128, "{labels}");
        let (told, at) = rest.split_once(' ').unwrap();
        assert_eq!(told, value);
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() - at.parse::<f64>().unwrap();
        assert!((-1.0..60.0).contains(&age) && at.split_once('.').unwrap().1.len() == 3, "{at}");
    }
    assert_eq!(page.matches(" # {").count(), 2, "{page}");
    assert!(!metrics.encode().contains(" # "), "Prometheus' own format has no exemplars");
}

#[test]
fn exemplars_stay_with_their_series() {
    let metrics = Metrics::new("0.1.0");
    let context = context("01").unwrap();
    let call = |component, role| metrics.call(component, role, "ok", Duration::from_micros(60));
    call("keyword", "signal");
    context.during(|| call("domain", "signal"));
    // What would be equal when joined, and so has no series of its own.
    context.during(|| call("domainsig", "nal"));
    let page = metrics.encode_openmetrics();
    let with: Vec<_> = page.lines().filter_map(|line| line.split_once(" # {")).map(|(sample, _)| sample).collect();
    let bucket = "trackside_component_call_seconds_bucket";
    let domain = format!("{bucket}{{component=\"domain\",role=\"signal\",le=\"0.0001\"}} 1");
    let other = format!("{bucket}{{component=\"other\",role=\"other\",le=\"0.0001\"}} 1");
    assert_eq!(with, [domain, other]);
}

#[test]
fn work_belongs_to_a_trace_only_while_it_is_done_for_it() {
    let metrics = Arc::new(Metrics::new("0.1.0"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (traced, plain) = (Arc::clone(&metrics), Arc::clone(&metrics));
    runtime.block_on(async {
        let within = context("01").unwrap().within(async move {
            tokio::task::yield_now().await;
            traced.selection("static", "m", "d", Duration::from_millis(1));
        });
        let beside = async move {
            plain.plugin("cache", "d", "success", Duration::from_millis(1));
            tokio::task::yield_now().await;
            plain.plugin("cache", "d", "success", Duration::from_millis(1));
        };
        tokio::join!(within, beside);
    });
    let page = metrics.encode_openmetrics();
    let with: Vec<_> = page.lines().filter(|line| line.contains(TRACE)).collect();
    assert!(matches!(with[..], [one] if one.starts_with("llm_model_selection_duration_seconds_bucket")), "{with:?}");
}

#[test]
fn requests_on_many_threads_leave_exemplars_that_are_whole() {
    let metrics = Metrics::new("0.1.0");
    let contexts: Vec<_> = (0..4).map(|_| context("01").unwrap()).collect();
    std::thread::scope(|scope| {
        for context in &contexts {
            let metrics = &metrics;
            scope.spawn(move || context.during(|| (0..2000).for_each(|micros| routed(metrics, micros))));
        }
        for _ in 0..50 {
            let page = metrics.encode_openmetrics();
            for found in page.lines().filter(|line| line.contains(" # ")) {
                let (sample, exemplar) = found.split_once(" # ").unwrap();
                assert!(!sample.ends_with(" 0"), "an exemplar of nothing: {found}");
                assert!(exemplar.starts_with(&format!("{{trace_id=\"{TRACE}\",span_id=\"")), "{found}");
            }
        }
    });
    assert!(metrics.encode_openmetrics().contains(" # {"));
}
