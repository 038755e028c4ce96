//! Traces as a collector gets them.

use super::otlp::{self, Anchor, Any, ExportRequest, ExportResponse, PartialSuccess};
use super::*;
use crate::Metrics;
use prost::Message as _;
use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll};
use std::time::Instant;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Server, server::TcpIncoming};
use tonic::{Request, Response, Status, body::Body};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that took a known time in two steps.
#[derive(Debug)]
struct Seen(Context, Instant);

impl Trace for Seen {
    fn spans(self) -> (Context, Vec<Span>) {
        let Seen(context, start) = self;
        let end = start + Duration::from_millis(7);
        let mut whole = Span::new("whole", None, start, end).with("model", "a").with("empty", "");
        whole.kind = Kind::Server;
        let mut part = Span::new("part", Some(0), start, start + Duration::from_millis(2)).with("found", 3);
        part.failure = Some("trap".to_owned());
        (context, vec![whole, part])
    }
}

/// What a collector got: the `authorization` header and the batch.
type Got = (Option<String>, ExportRequest);

/// Takes batches over gRPC and keeps them.
#[derive(Clone)]
struct Collector(Arc<Mutex<Sender<Got>>>);

impl UnaryService<ExportRequest> for Collector {
    type Response = ExportResponse;
    type Future = BoxFuture<Response<ExportResponse>, Status>;

    fn call(&mut self, request: Request<ExportRequest>) -> Self::Future {
        let key = request.metadata().get("authorization").map(|key| key.to_str().unwrap().to_owned());
        self.0.lock().unwrap().send((key, request.into_inner())).unwrap();
        let partial_success = Some(PartialSuccess { rejected_spans: 1, error_message: "one too many".to_owned() });
        Box::pin(async { Ok(Response::new(ExportResponse { partial_success })) })
    }
}

impl Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let collector = self.clone();
        assert!(request.uri().path().ends_with("/Export"));
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<ExportResponse, ExportRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(collector, request).await)
        })
    }
}

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

/// Serves until the process ends.
fn collect_grpc(listener: TcpListener) -> Receiver<Got> {
    let (sender, got) = channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            listener.set_nonblocking(true).unwrap();
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            let collector = Collector(Arc::new(Mutex::new(sender)));
            Server::builder().add_service(collector).serve_with_incoming(incoming).await.unwrap();
        });
    });
    got
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn settings(destination: Destination) -> Settings {
    let resource = vec![("service.name".to_owned(), "router".to_owned())];
    Settings { destination, sampler: Sampler::DEFAULT, timeout: Duration::from_secs(10), resource }
}

fn credentials() -> Credentials {
    Credentials { headers: vec![("Authorization".to_owned(), "Bearer secret".to_owned())], authority: None }
}

fn grpc(address: SocketAddr) -> Settings {
    settings(Destination::Grpc { url: format!("http://{address}"), credentials: credentials() })
}

fn start(settings: Settings, metrics: &Arc<Metrics>) -> (Tracer<Seen>, Flush<Seen>) {
    Tracer::start(settings, "1.2.3", Arc::clone(metrics)).unwrap()
}

fn counted(metrics: &Metrics, outcome: &str) -> u64 {
    let line = format!("trackside_traces_total{{outcome=\"{outcome}\"}} ");
    let page = metrics.encode();
    page.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

/// Waits until a metric says so.
fn until(metrics: &Metrics, outcome: &str, count: u64) {
    let patience = Instant::now() + PATIENCE;
    while counted(metrics, outcome) < count {
        assert!(Instant::now() < patience, "not {count} traces {outcome}:\n{}", metrics.encode());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn check(got: Got) {
    let (key, batch) = got;
    assert_eq!(key.as_deref(), Some("Bearer secret"));
    let [resource] = &batch.resource_spans[..] else { panic!("{batch:?}") };
    let about = &resource.resource.as_ref().unwrap().attributes;
    assert_eq!(about[0].key, "service.name");
    let [scope] = &resource.scope_spans[..] else { panic!("{resource:?}") };
    assert_eq!(scope.scope.as_ref().unwrap().version, "1.2.3");
    let [whole, part] = &scope.spans[..] else { panic!("{scope:?}") };
    assert_eq!((whole.name.as_str(), whole.kind, part.name.as_str(), part.kind), ("whole", 2, "part", 1));
    assert_eq!((&whole.trace_id, whole.trace_id[0]), (&part.trace_id, 0x4b));
    assert_eq!(whole.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(part.parent_span_id, whole.span_id);
    assert_ne!(part.span_id, whole.span_id);
    assert_eq!(whole.end_time_unix_nano - whole.start_time_unix_nano, 7_000_000);
    assert_eq!(part.start_time_unix_nano, whole.start_time_unix_nano);
    let [model] = &whole.attributes[..] else { panic!("{whole:?}") };
    assert_eq!(model.value.as_ref().unwrap().value, Some(Any::Text("a".to_owned())));
    assert_eq!((part.status.as_ref().unwrap().code, &whole.status), (2, &None));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let age = now.abs_diff(u128::from(whole.start_time_unix_nano));
    assert!(age < PATIENCE.as_nanos(), "the clock is that of the day");
}

#[test]
fn a_trace_arrives_over_grpc_under_the_gateways_span() {
    let (listener, address) = listen();
    let got = collect_grpc(listener);
    let metrics = Arc::new(Metrics::new("1"));
    let (tracer, flush) = start(grpc(address), &metrics);
    let context = tracer.begin(Some(PARENT)).unwrap();
    tracer.end(Seen(context, Instant::now()));
    check(got.recv_timeout(PATIENCE).unwrap());
    until(&metrics, "sent", 1);
    drop(flush);
}

#[test]
fn a_trace_arrives_over_http() {
    let (listener, address) = listen();
    let (sender, got) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut piece).unwrap();
            seen.extend_from_slice(&piece[..read]);
            let Some(end) = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(seen[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let body = &seen[end + 4..];
            if body.len() == length.parse::<usize>().unwrap() {
                let key = head.lines().find_map(|line| line.strip_prefix("authorization: ")).map(str::to_owned);
                assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                assert!(head.contains("content-type: application/x-protobuf"), "{head}");
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                sender.send((key, ExportRequest::decode(body).unwrap())).unwrap();
                return;
            }
        }
    });
    let metrics = Arc::new(Metrics::new("1"));
    let url = format!("http://{address}/v1/traces");
    let credentials =
        Credentials { headers: vec![("authorization".to_owned(), "Bearer secret".to_owned())], ..Default::default() };
    let (tracer, _flush) = start(settings(Destination::Http { url, credentials }), &metrics);
    tracer.end(Seen(tracer.begin(Some(PARENT)).unwrap(), Instant::now()));
    check(got.recv_timeout(PATIENCE).unwrap());
    until(&metrics, "sent", 1);
}

#[test]
fn the_end_of_the_process_sends_what_waits_and_does_not_wait_for_the_dead() {
    let (listener, address) = listen();
    let got = collect_grpc(listener);
    let metrics = Arc::new(Metrics::new("1"));
    let (tracer, flush) = start(grpc(address), &metrics);
    (0..600).for_each(|_| tracer.end(Seen(tracer.begin(None).unwrap(), Instant::now())));
    drop(flush);
    let arrived: usize = got.try_iter().map(|(_, batch)| batch.resource_spans[0].scope_spans[0].spans.len()).sum();
    assert_eq!((arrived, counted(&metrics, "sent")), (1200, 600));

    // It takes connections and says nothing.
    let (_silent, address) = listen();
    let (tracer, flush) = start(grpc(address), &metrics);
    (0..5000).for_each(|_| tracer.end(Seen(tracer.begin(None).unwrap(), Instant::now())));
    let started = Instant::now();
    drop(flush);
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?}", started.elapsed());
    assert!(counted(&metrics, "dropped") >= 2000, "{}", metrics.encode());
}

#[test]
fn an_absent_collector_costs_traces_and_is_found_again() {
    let (listener, address) = listen();
    drop(listener);
    let metrics = Arc::new(Metrics::new("1"));
    let (tracer, _flush) = start(grpc(address), &metrics);
    tracer.end(Seen(tracer.begin(None).unwrap(), Instant::now()));
    until(&metrics, "failed", 1);
    let got = collect_grpc(TcpListener::bind(address).unwrap());
    let patience = Instant::now() + PATIENCE;
    while got.try_recv().is_err() {
        assert!(Instant::now() < patience, "it never came back");
        tracer.end(Seen(tracer.begin(None).unwrap(), Instant::now()));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_makes_no_sense_is_told_at_the_start() {
    let metrics = Arc::new(Metrics::new("1"));
    let fault = |destination| Tracer::<Seen>::start(settings(destination), "1", Arc::clone(&metrics)).unwrap_err();
    let address = Destination::Grpc { url: "http://a b".to_owned(), credentials: Credentials::default() };
    assert!(fault(address).to_string().contains("http://a b"));
    let headers = vec![("x y".to_owned(), "secret".to_owned())];
    let url = "http://localhost:1".to_owned();
    let header =
        Destination::Grpc { url: url.clone(), credentials: Credentials { headers, authority: Some(Vec::new()) } };
    assert!(!format!("{header:?}").contains("secret"));
    assert_eq!(fault(header).to_string(), "the header \"x y\" for the collector cannot be sent");
    let authority =
        Destination::Http { url, credentials: Credentials { headers: Vec::new(), authority: Some(b"none".to_vec()) } };
    assert_eq!(fault(authority).to_string(), "the collector's authority is no PEM certificate");
}

/// Written by the protocol's own implementation for Python.
const GOLDEN: &str = "0ac7010a1d0a1b0a0c736572766963652e6e616d65120b0a09747261636b7369646512a5010a0e0a09747261636b73696465\
    1201311292010a10000102030405060708090a0b0c0d0e0f12080001020304050607220809090909090909092a016e30023901000000000000\
    004102000000000000004a080a017412030a01784a070a0162120210014a100a0169120b18ffffffffffffffffff014a0e0a01641209210000\
    00000000e03f4a110a016c120c2a0a0a030a01610a030a01627a0512016d1802850101000000";

#[test]
fn messages_are_those_of_the_protocol() {
    let attribute = |key, value: Value| otlp::attribute(key, value);
    let span = otlp::Span {
        trace_id: (0..16).collect(),
        span_id: (0..8).collect(),
        parent_span_id: vec![9; 8],
        name: "n".to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes: vec![
            attribute("t", "x".into()),
            attribute("b", true.into()),
            attribute("i", (-1).into()),
            attribute("d", 0.5.into()),
            attribute("l", vec!["a".to_owned(), "b".to_owned()].into()),
        ],
        status: Some(otlp::Status { message: "m".to_owned(), code: 2 }),
        flags: 1,
    };
    let scope = Some(otlp::Scope { name: "trackside".to_owned(), version: "1".to_owned() });
    let resource = Some(otlp::Resource { attributes: vec![attribute("service.name", "trackside".into())] });
    let scope_spans = vec![otlp::ScopeSpans { scope, spans: vec![span] }];
    let request = ExportRequest { resource_spans: vec![otlp::ResourceSpans { resource, scope_spans }] };
    let written: String = request.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(written, GOLDEN);
    let refused = ExportResponse::decode(&[0x0a, 0x05, 0x08, 0x03, 0x12, 0x01, 0x65][..]).unwrap();
    assert_eq!(refused.partial_success.unwrap().rejected_spans, 3);
}

#[test]
fn spans_that_make_no_sense_are_made_whole() {
    let now = Instant::now();
    let context = Context { trace: [1; 16], span: [2; 8], parent: None };
    let told = vec![
        Span::new("first", Some(0), now, now - Duration::from_secs(1)).with("long", "\u{e4}".repeat(900).as_str()),
        Span::new("lost", Some(7), now, now),
    ];
    let spans = otlp::spans(context, told, &context::Ids::default(), Anchor::now());
    assert!(spans.iter().all(|span| span.parent_span_id.is_empty()));
    assert_eq!(spans[0].start_time_unix_nano, spans[0].end_time_unix_nano);
    let Some(Any::Text(long)) = spans[0].attributes[0].value.as_ref().unwrap().value.clone() else { panic!() };
    assert_eq!(long.len(), 512);
}
