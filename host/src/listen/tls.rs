//! TLS handshakes, many at once and each bounded in time.

use super::identity::Identity;
use futures_util::future::ready;
use futures_util::{Stream, StreamExt};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use trackside_telemetry::Metrics;

/// The longest handshake: a stranger must not hold a place for ever.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Most handshakes at once. Further connections wait in the kernel.
const MOST: usize = 256;

/// Connections whose handshake went well.
pub(crate) fn secured(
    plain: impl Stream<Item = io::Result<TcpStream>> + Send,
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> + Send {
    let connection = move |tcp: io::Result<TcpStream>| {
        let (identity, metrics) = (Arc::clone(&identity), Arc::clone(&metrics));
        async move { handshake(tcp.ok()?, &identity, &metrics).await }
    };
    plain.map(connection).buffer_unordered(MOST).filter_map(|done| ready(done.map(Ok)))
}

async fn handshake(tcp: TcpStream, identity: &Identity, metrics: &Metrics) -> Option<TlsStream<TcpStream>> {
    let peer = tcp.peer_addr().ok()?;
    let (outcome, reason) = match timeout(HANDSHAKE, TlsAcceptor::from(identity.now()).accept(tcp)).await {
        Ok(Ok(stream)) => {
            metrics.tls_handshake("ok");
            return Some(stream);
        }
        Ok(Err(error)) => ("failed", error.to_string()),
        Err(_) => ("timeout", format!("not done within {} s", HANDSHAKE.as_secs())),
    };
    metrics.tls_handshake(outcome);
    // Whoever scans ports could fill the log at a higher level; the counter tells that there is something to look for.
    tracing::debug!(event = "tls_handshake_failed", %peer, reason);
    None
}
