//! `trackside serve`.

use super::{Logging, Source};
use crate::assemble::{Assembled, Workshop, load};
use crate::cli::runtime;
use crate::exit::{Exit, Failure, Outcome};
use crate::server::{self, Listeners};
use crate::shutdown::Signals;
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use trackside_config::{Diagnostic, Severity};
use trackside_telemetry::Metrics;

const EXAMPLES: &str = "\
Examples:
  trackside serve
  trackside serve --config router.yaml --model sentence-transformers/all-MiniLM-L12-v2
  trackside serve --extproc 0.0.0.0:50051 --log info,trackside_routing=debug
  curl -s localhost:8080/classify -d '{\"text\": \"What is the derivative of x^3?\"}'";

/// Serve a gateway over ExtProc, an HTTP API and metrics.
///
/// Nothing listens before the configuration is known to be good, so /ready answers 200 as soon as it answers. SIGTERM
/// and SIGINT drain: /ready answers 503 and gRPC health NOT_SERVING, then no connection is accepted any more, and streams
/// under way end in peace. A second signal ends at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Where the gateway connects (gRPC). Port 0 takes a free one; the log tells which.
    #[arg(long, value_name = "ADDRESS", env = "TRACKSIDE_EXTPROC", default_value = "127.0.0.1:50051")]
    extproc: SocketAddr,
    /// Where the HTTP API listens.
    #[arg(long, value_name = "ADDRESS", env = "TRACKSIDE_API", default_value = "127.0.0.1:8080")]
    api: SocketAddr,
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
    logging: Logging,
}

/// Serves until a signal asks for the end.
///
/// # Errors
/// When the configuration cannot be read, an address is taken, or a server fails.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let _flush = arguments.logging.start(&metrics)?;
    runtime()?.block_on(serve(arguments, metrics))
}

async fn serve(arguments: &Arguments, metrics: Arc<Metrics>) -> Outcome {
    let signals = Signals::watch().context("cannot watch for signals")?;
    let mut loaded = load(arguments.source.config.as_deref())?;
    let workshop = Workshop::open(&arguments.source.model.choice(), &mut loaded, &metrics)?;
    let assembled = workshop.assemble(loaded, 1).await;
    tell(&assembled);
    let Some(ready) = assembled.ready else { return Ok(Exit::Invalid) };
    workshop.introduce(&assembled.source);
    let listeners = Listeners::bind(arguments.extproc, arguments.api, arguments.metrics).await;
    let listeners = listeners.map_err(Failure::unavailable)?;
    let limits = trackside_extproc::Limits {
        notice: Duration::from_secs(arguments.notice),
        drain: Duration::from_secs(arguments.grace),
        ..Default::default()
    };
    server::serve(listeners, ready, workshop.embeddings(), metrics, limits, signals).await?;
    Ok(Exit::Ok)
}

/// Shows the whole report when the configuration cannot be served, as nothing else will happen; else each warning is a
/// line of the log.
fn tell(assembled: &Assembled) {
    if assembled.ready.is_none() {
        eprint!("{}", assembled.report.render(&assembled.source));
        return;
    }
    for Diagnostic { severity, code, span, message, .. } in assembled.report.sorted() {
        let (line, column) = span.map(|span| (span.line, span.column)).unzip();
        match severity {
            Severity::Error => tracing::error!(event = "config", code = code.0, line, column, "{message}"),
            Severity::Warning => tracing::warn!(event = "config", code = code.0, line, column, "{message}"),
        }
    }
}
