//! `trackside serve`.

use super::limits::Bounds;
use super::{Logging, Source, Strictness};
use crate::api::{Access, Token};
use crate::assemble::Workshop;
use crate::cli::runtime;
use crate::exit::{Exit, Failure, Outcome};
use crate::listen::{Files, Identity};
use crate::reload::{NotStarted, Origin, Reloads};
use crate::server::{self, Listeners, Terms};
use crate::shutdown::{Hangup, Signals};
use crate::traces;
use crate::watch;
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trackside_components::Compiler;
use trackside_config::{Environment, ProcessEnvironment};
use trackside_telemetry::Metrics;

const EXAMPLES: &str = "\
Examples:
  trackside serve
  trackside serve --config router.yaml --model sentence-transformers/all-MiniLM-L12-v2
  trackside serve --extproc 0.0.0.0:50051 --log info,trackside_routing=debug
  curl -s localhost:8080/classify -d '{\"text\": \"What is the derivative of x^3?\"}'";

/// How long work that no request waits for may take when everything else has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serve a gateway over ExtProc, an HTTP API and metrics.
///
/// Nothing listens before the configuration is known to be good, so /ready answers 200 as soon as it answers. SIGTERM
/// and SIGINT drain: /ready answers 503 and gRPC health NOT_SERVING, then no connection is accepted any more, and streams
/// under way end in peace. A second signal ends at once.
///
/// A change of the configuration, of a component or of a model is served to new requests within milliseconds, and requests
/// under way go on as they began. What cannot be served changes nothing, and the log says why. SIGHUP looks at the files,
/// too.
///
/// Traces go to the collector that the configuration (global.services.observability.tracing) or OpenTelemetry's variables
/// (OTEL_EXPORTER_OTLP_ENDPOINT and so on) name.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    strictness: Strictness,
    /// Where the gateway connects (gRPC). Port 0 takes a free one; the log tells which.
    #[arg(long, value_name = "ADDRESS", env = "TRACKSIDE_EXTPROC", default_value = "127.0.0.1:50051")]
    extproc: SocketAddr,
    #[command(flatten)]
    tls: Files,
    /// Where the HTTP API listens. Anywhere but on the loopback address it needs a token.
    #[arg(long, value_name = "ADDRESS", env = "TRACKSIDE_API", default_value = "127.0.0.1:8080")]
    api: SocketAddr,
    /// Ask every request to the API but those to /health and /ready for the token in this file, as the header
    /// "authorization: Bearer TOKEN". TRACKSIDE_API_TOKEN may hold the token itself instead.
    #[arg(long, value_name = "FILE", env = "TRACKSIDE_API_TOKEN_FILE")]
    api_token_file: Option<PathBuf>,
    /// Where Prometheus scrapes.
    #[arg(long, value_name = "ADDRESS", env = "TRACKSIDE_METRICS", default_value = "127.0.0.1:9190")]
    metrics: SocketAddr,
    /// How long new connections are still accepted after health has turned to NOT_SERVING, so that gateways can move
    /// away before the port closes.
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    notice: u64,
    /// How long streams under way may take to end after that.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u64,
    #[command(flatten)]
    watch: watch::Arguments,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    logging: Logging,
}

/// Serves until a signal asks for the end.
///
/// # Errors
/// When the configuration cannot be read, an address is taken, or a server fails.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let _flush = arguments.logging.start(&metrics)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(arguments, metrics));
    // A generation that is being made would be waited for, and nobody needs it.
    runtime.shutdown_timeout(LAST_WORDS);
    outcome
}

async fn serve(arguments: &Arguments, metrics: Arc<Metrics>) -> Outcome {
    let signals = Signals::watch().context("cannot watch for signals")?;
    let hangup = Hangup::watch().context("cannot watch for signals")?;
    let access = Access::new(arguments.api, token(arguments)?).map_err(Failure::usage)?;
    let identity = Identity::load(&arguments.tls, &metrics).map_err(Failure::unavailable)?;
    let origin = Origin { file: arguments.source.config.clone(), strictness: arguments.strictness };
    let compiler = Compiler::this_program().context("cannot tell where this program lies")?;
    let workshop = Workshop::open(&arguments.source.model.choice(), compiler, &metrics)?;
    let reloads = match Reloads::start(workshop, origin, &metrics).await {
        Ok(reloads) => reloads,
        Err(NotStarted::Failed(failure)) => return Err(failure),
        // The whole report, as nothing else will happen.
        Err(NotStarted::Refused(refusal)) => {
            eprint!("{}", refusal.rendered);
            return Ok(Exit::Invalid);
        }
    };
    let first = reloads.pin();
    let (traces, _flush) = traces::start(first.config.resolved.tracing.as_ref(), &metrics)?.unzip();
    first.introduce();
    let listeners = Listeners::bind(arguments.extproc, arguments.api, arguments.metrics).await;
    let listeners = listeners.map_err(Failure::unavailable)?;
    let streamed = &first.config.resolved.streamed_body;
    let limits = trackside_extproc::Limits {
        notice: Duration::from_secs(arguments.notice),
        drain: Duration::from_secs(arguments.grace),
        ..arguments.bounds.limits(streamed.max_bytes, streamed.timeout)
    };
    drop(first);
    let watch = arguments.watch.by();
    let terms = Terms { access, identity: identity.map(Arc::new), limits, traces, watch };
    server::serve(listeners, reloads, metrics, terms, (signals, hangup)).await?;
    Ok(Exit::Ok)
}

/// The token of the API, from its file or from the environment: on a command line everybody on the machine could read it.
fn token(arguments: &Arguments) -> Result<Option<Token>, Failure> {
    let token = match &arguments.api_token_file {
        Some(path) => Some(Token::read(path)),
        None => ProcessEnvironment
            .get("TRACKSIDE_API_TOKEN")
            .map(|text| Token::parse(&text).context("TRACKSIDE_API_TOKEN is no token")),
    };
    token.transpose().map_err(Failure::usage)
}
