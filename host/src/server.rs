//! Three listeners: ExtProc for the gateway, which has threads of its own, the HTTP API, and metrics.

use crate::api::{self, Access, Context};
use crate::cores::{self, Security};
use crate::gateway::{Counted, Router};
use crate::listen::Identity;
use crate::phase::{Phase, Phases};
use crate::reload::{Reloads, follow};
use crate::shutdown::{Hangup, Signals};
use crate::traces::Traces;
use crate::watch::WatchBy;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use trackside_extproc as extproc;
use trackside_telemetry::Metrics;

/// How long the HTTP listeners may take for the answers under way when everything else has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long instances of components may rest that nobody needs.
const REST: Duration = Duration::from_secs(10);

/// Listeners that are bound, and not served yet.
#[derive(Debug)]
pub(crate) struct Listeners {
    extproc: TcpListener,
    api: TcpListener,
    metrics: TcpListener,
}

impl Listeners {
    /// Binds all three; port 0 takes a free one. Tells in the log which addresses it got.
    pub(crate) async fn bind(extproc: SocketAddr, api: SocketAddr, metrics: SocketAddr) -> anyhow::Result<Self> {
        let bound = Self {
            extproc: listen("extproc", extproc).await?,
            api: listen("api", api).await?,
            metrics: listen("metrics", metrics).await?,
        };
        tracing::info!(
            event = "listening",
            extproc = %bound.extproc.local_addr()?,
            api = %bound.api.local_addr()?,
            metrics = %bound.metrics.local_addr()?,
        );
        Ok(bound)
    }
}

async fn listen(name: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} for {name}"))
}

/// On what terms the ports are served.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Who may use the API.
    pub(crate) access: Access,
    /// What the ExtProc port shows to gateways; nothing without TLS.
    pub(crate) identity: Option<Arc<Identity>>,
    /// Bounds of the ExtProc service.
    pub(crate) limits: extproc::Limits,
    /// Where traces go, if they are wanted.
    pub(crate) traces: Option<Traces>,
    /// How changed files are noticed.
    pub(crate) watch: WatchBy,
}

/// Serves until a signal asks for the end and the streams under way have come to theirs.
pub(crate) async fn serve(
    listeners: Listeners,
    reloads: Reloads,
    metrics: Arc<Metrics>,
    terms: Terms,
    (mut signals, hangup): (Signals, Hangup),
) -> anyhow::Result<()> {
    let phases = Phases::starting();
    let context = Context {
        reloads: reloads.clone(),
        turns: Arc::new(Semaphore::new(reloads.pin().embeddings.threads)),
        phases: phases.clone(),
        metrics: Arc::clone(&metrics),
        started: unix_seconds(),
    };
    let mut watching = JoinSet::new();
    let mut streams = JoinSet::new();
    let observer = Arc::new(Counted(Arc::clone(&metrics)));
    let router = Arc::new(Router { reloads: reloads.clone(), traces: terms.traces });
    let security = match terms.identity {
        Some(identity) => {
            watching.spawn(Arc::clone(&identity).watch());
            Security::Tls(identity, Arc::clone(&metrics))
        }
        None => Security::Plain,
    };
    let server = Arc::new(extproc::Server::new(router, observer, terms.limits));
    streams.spawn(cores::serve(listeners.extproc, security, server, phases.clone()));
    reloads.traffic_begins();
    watching.spawn(reloads.clone().reap());
    watching.spawn(rest(reloads.clone()));
    watching.spawn(follow(reloads.clone(), terms.watch, hangup));
    phases.enter(Phase::Serving);
    let mut http = JoinSet::new();
    http.spawn(answer(listeners.api, api::router(context, terms.access), phases.clone()));
    http.spawn(answer(listeners.metrics, api::exposition(metrics), phases.clone()));

    tokio::select! {
        signal = signals.next() => tracing::info!(event = "draining", signal),
        ended = streams.join_next() => ended.context("no ExtProc server")???,
        ended = http.join_next() => ended.context("no HTTP server")???,
    }
    phases.enter(Phase::Draining);
    // Nobody needs another generation, and a signal to reload must not end what drains.
    reloads.shut();
    tokio::select! {
        ended = streams.join_next() => ended.context("no ExtProc server")???,
        signal = signals.next() => tracing::warn!(event = "drain_cut_short", signal),
    }
    phases.enter(Phase::Ending);
    // Whoever is not done by then waits for a client that does not read.
    let _ = timeout(FAREWELL, async { while http.join_next().await.is_some() {} }).await;
    tracing::info!(event = "ended");
    Ok(())
}

/// Gives back what a crowd has left behind, for as long as it is polled.
async fn rest(reloads: Reloads) {
    loop {
        sleep(REST).await;
        let reloads = reloads.clone();
        // Whatever goes wrong in there has told so, and the next time is as good.
        let _ = spawn_blocking(move || reloads.rest()).await;
    }
}

async fn answer(listener: TcpListener, router: axum::Router, phases: Phases) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(phases.reached(Phase::Ending)).await
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
