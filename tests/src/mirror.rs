//! A model server for many requests: it keeps nothing, and shows the client the headers that it got.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::SocketAddr};
use tokio::{net::TcpListener, task::JoinSet};

use crate::upstream::COMPLETION;

/// Headers of a request that its answer shows, each under the name behind it.
const SHOWN: [(HeaderName, HeaderName); 4] = [
    (HeaderName::from_static("x-vsr-generation"), HeaderName::from_static("seen-generation")),
    (HeaderName::from_static("x-selected-model"), HeaderName::from_static("seen-model")),
    (HeaderName::from_static("x-stamp"), HeaderName::from_static("seen-stamp")),
    (HeaderName::from_static("x-config"), HeaderName::from_static("seen-config")),
];

/// The running server. It speaks HTTP/1, and ends when it is dropped.
#[derive(Debug)]
pub struct Mirror {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Mirror {
    /// Starts it on a free port.
    pub async fn start() -> Mirror {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener));
        Mirror { address, _accepting: accepting }
    }
}

async fn accept(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Both are the kernel's and the gateway's business if they fail.
        let _ = stream.set_nodelay(true);
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A request that is cut is not answered by anybody who could read it.
    let _ = body.collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(COMPLETION.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (from, to) in &SHOWN {
        for value in head.headers.get_all(from) {
            headers.append(to, value.clone());
        }
    }
    Ok(response)
}
