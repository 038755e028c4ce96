//! Connections of gateways, in the clear or over TLS.

mod identity;
mod tls;

pub(crate) use identity::{Files, Identity};
pub(crate) use tls::secured;

use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long no connection is taken after one could not be: without a pause, a process that is out of file descriptors
/// would spend all its time on trying.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection, in the clear. It never fails.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                // Answers are small and waited for. A connection that refuses is slower, not useless.
                let _ = connection.set_nodelay(true);
                return connection;
            }
            Err(error) => {
                tracing::warn!(event = "accept_failed", %error);
                sleep(PAUSE).await;
            }
        }
    }
}
