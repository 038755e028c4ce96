//! A client of the gateway with one kept connection.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};

/// One kept connection.
pub(crate) struct Client {
    _connection: JoinSet<hyper::Result<()>>,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("a socket takes options");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1 needs no handshake");
        let mut task = JoinSet::new();
        task.spawn(connection);
        Client { _connection: task, sender }
    }

    /// Sends a chat completion, and tells how long its answer took. Fails unless that is a 200.
    pub(crate) async fn ask(&mut self, body: Bytes) -> Duration {
        let request = Request::post("/v1/chat/completions")
            .header(header::HOST, "bench")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .expect("a request");
        self.sender.ready().await.expect("the gateway keeps the connection");
        let started = Instant::now();
        let reply = self.sender.send_request(request).await.expect("the gateway answers");
        let status = reply.status();
        reply.into_body().collect().await.expect("the answer is whole");
        let took = started.elapsed();
        assert_eq!(status, 200);
        took
    }
}
