//! The ExtProc port, served by one thread per core. A stream is a dozen messages to and fro, each of which takes less time
//! than waking another thread: whatever belongs to a connection stays on the thread that reads it.

use crate::listen::{self, Identity};
use crate::phase::{Phase, Phases};
use anyhow::Context as _;
use futures_util::future::select_all;
use futures_util::stream::unfold;
use futures_util::{FutureExt, Stream};
use std::io;
use std::net;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use trackside_extproc::{Live, Observer, Server};
use trackside_telemetry::Metrics;

/// Connections that may wait for a thread. Further ones wait in the kernel.
const WAITING: usize = 64;

/// A thread, as seen from the one that accepts connections.
struct Core {
    runtime: Handle,
    connections: mpsc::Sender<net::TcpStream>,
}

/// What turns connections into those that the service reads.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// In the clear.
    Plain,
    /// By TLS, with the certificate of the moment.
    Tls(Arc<Identity>, Arc<Metrics>),
}

/// Serves the connections of a listener until some time after draining has begun. The port is closed when the threads
/// take no more connections.
pub(crate) async fn serve<L: Live, O: Observer>(
    listener: TcpListener,
    security: Security,
    server: Arc<Server<L, O>>,
    phases: Phases,
) -> anyhow::Result<()> {
    let (mut cores, mut ends) = (Vec::new(), JoinSet::new());
    for index in 0..available_parallelism().map_or(1, NonZeroUsize::get) {
        let (core, ended) = start(index, security.clone(), Arc::clone(&server), phases.clone())?;
        cores.push(core);
        ends.spawn(ended);
    }
    let mut dealing = pin!(deal(listener, cores).fuse());
    loop {
        tokio::select! {
            () = &mut dealing => {}
            ended = ends.join_next() => match ended {
                Some(ended) => ended?.context("a thread of the ExtProc service has broken off")??,
                None => return Ok(()),
            },
        }
    }
}

/// Starts a thread. Its end comes with how it went.
fn start<L: Live, O: Observer>(
    index: usize,
    security: Security,
    server: Arc<Server<L, O>>,
    phases: Phases,
) -> anyhow::Result<(Core, oneshot::Receiver<anyhow::Result<()>>)> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    let handle = runtime.handle().clone();
    let (connections, dealt) = mpsc::channel(WAITING);
    let (end, ended) = oneshot::channel();
    let work = move || {
        let result = runtime.block_on(async {
            let (plain, draining) = (taken(dealt), phases.reached(Phase::Draining));
            match security {
                Security::Plain => server.serve(plain, draining).await,
                Security::Tls(identity, metrics) => {
                    server.serve(listen::secured(plain, identity, metrics), draining).await
                }
            }
        });
        // Nobody asks any more when the process is on its way out.
        let _ = end.send(result.map_err(Into::into));
    };
    thread::Builder::new().name(format!("extproc-{index}")).spawn(work).context("cannot start a thread")?;
    Ok((Core { runtime: handle, connections }, ended))
}

/// The connections that a thread is dealt, from now on its own.
fn taken(dealt: mpsc::Receiver<net::TcpStream>) -> impl Stream<Item = io::Result<TcpStream>> + Send {
    unfold(dealt, async |mut dealt| {
        loop {
            match TcpStream::from_std(dealt.recv().await?) {
                Ok(connection) => return Some((Ok(connection), dealt)),
                Err(error) => tracing::warn!(event = "connection_lost", %error),
            }
        }
    })
}

/// Accepts connections and gives each to the thread with the fewest tasks, until a thread takes no more.
async fn deal(listener: TcpListener, mut cores: Vec<Core>) {
    loop {
        let closed = select_all(cores.iter().map(|core| core.connections.closed().boxed()));
        let connection = tokio::select! {
            connection = listen::accept(&listener) => connection,
            _ = closed => return,
        };
        let Ok(connection) = connection.into_std() else { continue };
        // Among equals the one whose turn is longest ago: gateways open a connection for each of their own threads at once.
        cores.rotate_left(1);
        let Some(core) = cores.iter().min_by_key(|core| core.tasks()) else { return };
        if core.connections.send(connection).await.is_err() {
            return;
        }
    }
}

impl Core {
    /// Tasks of its connections and streams, and connections that it has not seen yet.
    fn tasks(&self) -> usize {
        let unseen = self.connections.max_capacity() - self.connections.capacity();
        self.runtime.metrics().num_alive_tasks() + unseen
    }
}
