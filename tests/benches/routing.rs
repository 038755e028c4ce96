//! What routing costs: Trackside beside a bare processor that answers the same messages with a fixed rewrite.
//!
//! Both run as processes of their own and are asked by the same client, in turns, over one connection without a gateway
//! between. What the bare one costs is gRPC and nothing else, so the difference is the router.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::json;
use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};
use trackside_extproc::proto::{
    BodyMutation, BodyResponse, CommonResponse, HeaderMutation, HeaderValue, HeaderValueOption, HeadersResponse,
    ProcessingRequest, ProcessingResponse,
    body_mutation::Mutation,
    external_processor_server::{ExternalProcessor, ExternalProcessorServer},
    processing_request::Request as Asked,
    processing_response::Response as Answered,
};
use trackside_tests::{Trackside, direct::Gateway, place, process::Process, scrape::metric};

const WARM_UP: usize = 500;
const ROUNDS: usize = 10;
const REQUESTS: usize = 500;
const CONCURRENT: usize = 32;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match std::env::args().nth(1).as_deref() {
        Some("--bare") => runtime.block_on(serve_bare()),
        _ => runtime.block_on(measure()),
    }
}

// === the bare processor ===

#[derive(Clone, Debug)]
struct Bare;

#[tonic::async_trait]
impl ExternalProcessor for Bare {
    type ProcessStream = BoxStream<'static, Result<ProcessingResponse, Status>>;

    async fn process(
        &self,
        asked: Request<Streaming<ProcessingRequest>>,
    ) -> Result<Response<Self::ProcessStream>, Status> {
        let answers = asked.into_inner().map(|message| message.map(fixed));
        Ok(Response::new(Box::pin(answers)))
    }
}

/// The answer that Trackside gives to the same message.
fn fixed(message: ProcessingRequest) -> ProcessingResponse {
    let answer = match message.request {
        Some(Asked::RequestBody(_)) => {
            let body = rewritten();
            let header = |key: &str, value: &str| HeaderValueOption {
                header: Some(HeaderValue {
                    key: key.to_owned(),
                    value: String::new(),
                    raw_value: Bytes::copy_from_slice(value.as_bytes()),
                }),
                ..HeaderValueOption::default()
            };
            let set_headers =
                vec![header("x-selected-model", "qwen3-8b"), header("content-length", &body.len().to_string())];
            Answered::RequestBody(BodyResponse {
                response: Some(CommonResponse {
                    header_mutation: Some(HeaderMutation { set_headers, remove_headers: Vec::new() }),
                    body_mutation: Some(BodyMutation { mutation: Some(Mutation::Body(body)) }),
                    clear_route_cache: true,
                    ..CommonResponse::default()
                }),
            })
        }
        _ => Answered::RequestHeaders(HeadersResponse { response: Some(CommonResponse::default()) }),
    };
    ProcessingResponse { response: Some(answer), ..ProcessingResponse::default() }
}

fn rewritten() -> Bytes {
    Bytes::from_static(
        b"{\"model\":\"qwen3-8b\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a thinking expert, should think \
          multiple steps before answering. Please answer the question step by step.\"},{\"role\":\"user\",\"content\":\"Walk me \
          through how to structure a business merger proposal.\"}],\"chat_template_kwargs\":{\"enable_thinking\":true}}",
    )
}

async fn serve_bare() {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let incoming = TcpIncoming::bind(anywhere).expect("a free port").with_nodelay(Some(true));
    println!("{}", incoming.local_addr().expect("a bound listener has an address"));
    let server = Server::builder().add_service(ExternalProcessorServer::new(Bare));
    server.serve_with_incoming(incoming).await.expect("it serves until it is killed");
}

// === the measurement ===

/// One of the two processors.
struct Side {
    name: &'static str,
    gateway: Gateway,
    cpu: Box<dyn Fn() -> Duration>,
    alone: Vec<Duration>,
    cpu_alone: Duration,
    crowded: Duration,
    cpu_crowded: Duration,
}

impl Side {
    async fn new(name: &'static str, address: SocketAddr, cpu: impl Fn() -> Duration + 'static) -> Side {
        let mut gateway = Gateway::connect(address).await.expect("it listens");
        for _ in 0..WARM_UP {
            gateway.ask(prompt()).await.expect("it answers");
        }
        let zero = Duration::ZERO;
        Side { name, gateway, cpu: Box::new(cpu), alone: Vec::new(), cpu_alone: zero, crowded: zero, cpu_crowded: zero }
    }

    /// One request after the other.
    async fn alone(&mut self) {
        let before = (self.cpu)();
        for _ in 0..REQUESTS {
            let started = Instant::now();
            let verdict = self.gateway.ask(prompt()).await.expect("it answers");
            self.alone.push(started.elapsed());
            assert!(verdict.body.is_some(), "{} did not rewrite the body", self.name);
        }
        self.cpu_alone += (self.cpu)() - before;
    }

    /// Many requests at once.
    async fn crowded(&mut self) {
        let (before, started) = ((self.cpu)(), Instant::now());
        let mut clients = JoinSet::new();
        for _ in 0..CONCURRENT {
            let mut gateway = self.gateway.clone();
            clients.spawn(async move {
                for _ in 0..REQUESTS / CONCURRENT {
                    gateway.ask(prompt()).await.expect("it answers");
                }
            });
        }
        clients.join_all().await;
        self.crowded += started.elapsed();
        self.cpu_crowded += (self.cpu)() - before;
    }

    /// p50 and p99 of a request alone, its CPU, CPU and requests per second of many; microseconds.
    fn figures(&mut self) -> [f64; 5] {
        self.alone.sort_unstable();
        let at = |share: usize| micros(self.alone[self.alone.len() * share / 100]);
        let crowd = (REQUESTS / CONCURRENT * CONCURRENT * ROUNDS) as f64;
        let cpu_alone = micros(self.cpu_alone) / self.alone.len() as f64;
        [at(50), at(99), cpu_alone, micros(self.cpu_crowded) / crowd, crowd / self.crowded.as_secs_f64()]
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn prompt() -> Bytes {
    let content = "Walk me through how to structure a business merger proposal.";
    json!({"model": "auto", "messages": [{"role": "user", "content": content}]}).to_string().into()
}

/// Fifteen rules: AIBrix's published file where it is at hand, else the example of the same shape.
fn configuration() -> PathBuf {
    let published = place::root().join("../shared/configs/aibrix.yaml");
    if published.exists() { published } else { place::root().join("examples/envoy-aibrix/router.yaml") }
}

async fn measure() {
    let config = configuration();
    let trackside = Trackside::start(&config).await;
    let this = std::env::current_exe().expect("a running program has a path");
    let bare = Process::start("bare", this.as_os_str(), &["--bare"], &[]);
    let bare_address = bare.wait_for("its address", |line| line.parse().ok()).await;
    let address = trackside.extproc;
    let metrics = trackside.metrics;
    let mut sides = [
        Side::new("bare gRPC", bare_address, move || bare.cpu()).await,
        Side::new("trackside", address, move || trackside.cpu()).await,
    ];
    for _ in 0..ROUNDS {
        for side in &mut sides {
            side.alone().await;
            side.crowded().await;
        }
    }
    println!("{}, {} x {REQUESTS} requests alone and with {CONCURRENT} at once", config.display(), ROUNDS);
    let [bare, routed] = sides.each_mut().map(Side::figures);
    row("", ["p50 us", "p99 us", "CPU us", "CPU us, crowd", "requests/s, crowd"].map(str::to_owned));
    row("bare gRPC", bare.map(|figure| format!("{figure:.1}")));
    row("trackside", routed.map(|figure| format!("{figure:.1}")));
    row("ratio", std::array::from_fn(|index| format!("{:.2}", routed[index] / bare[index])));
    println!();
    components(&trackside_tests::scrape::get(metrics, "/metrics").expect("the metrics page answers").1);
}

fn row(name: &str, cells: [String; 5]) {
    let cells = cells.map(|cell| format!("{cell:>20}")).concat();
    println!("{name:<16}{cells}");
}

/// Mean time in each component, from the router's own histograms.
fn components(page: &str) {
    const SECONDS: &str = "trackside_component_call_seconds";
    println!("{:<16}{:>20}{:>20}", "component", "calls", "mean us");
    let count = format!("{SECONDS}_count");
    for line in page.lines().filter(|line| line.starts_with(&count)) {
        let Some(component) = line.split("component=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        let label = format!("component=\"{component}\"");
        let calls = metric(page, &count, &[&label]);
        let mean = metric(page, &format!("{SECONDS}_sum"), &[&label]) / calls * 1e6;
        println!("{component:<16}{calls:>20}{mean:>20.1}");
    }
}
