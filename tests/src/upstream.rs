//! A stub of a model server that keeps every request as it came.

use crate::{
    answer::{self, Answer},
    client,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Response, Version};
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
    time::timeout,
};

pub use crate::answer::{COMPLETION, EVENTS, event};

/// Request header by which a test finds its own request again.
pub const CASE: &str = "x-case";

/// A request as it came, and where.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which of the server's addresses it came to.
    pub at: SocketAddr,
    pub version: Version,
    pub method: Method,
    /// With the query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
}

impl Seen {
    /// A header's value, if it came once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        client::only(&self.headers, name)
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> serde_json::Value {
        client::json(&self.body)
    }
}

/// The running stub. It answers HTTP/1 and HTTP/2, and ends when it is dropped.
#[derive(Debug)]
pub struct Upstream {
    addresses: Vec<SocketAddr>,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    seen: Mutex<HashMap<String, Vec<Seen>>>,
    arrived: Notify,
    upgraded: Mutex<JoinSet<()>>,
}

impl Upstream {
    /// Starts it on this many addresses.
    pub async fn start(addresses: usize) -> Upstream {
        let state = Arc::new(State::default());
        let mut accepting = JoinSet::new();
        let mut bound = Vec::new();
        for _ in 0..addresses {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            bound.push(listener.local_addr().expect("a bound listener has an address"));
            accepting.spawn(accept(listener, Arc::clone(&state)));
        }
        Upstream { addresses: bound, state, _accepting: accepting }
    }

    /// One of its addresses, from 0.
    pub fn address(&self, index: usize) -> SocketAddr {
        self.addresses[index]
    }

    /// Sets how the next request of a case is answered, behind those that are set already.
    pub fn answer(&self, case: &str, answer: Answer) {
        self.state.answers.lock().unwrap().entry(case.to_owned()).or_default().push_back(answer);
    }

    /// Takes out what came last for a case.
    pub fn take(&self, case: &str) -> Option<Seen> {
        self.take_all(case).pop()
    }

    /// Takes out everything that came for a case.
    pub fn take_all(&self, case: &str) -> Vec<Seen> {
        self.state.answers.lock().unwrap().remove(case);
        self.state.seen.lock().unwrap().remove(case).unwrap_or_default()
    }

    /// Waits until a whole request has come for a case.
    pub async fn arrival(&self, case: &str) {
        loop {
            let arrived = self.state.arrived.notified();
            if self.state.seen.lock().unwrap().contains_key(case) {
                return;
            }
            timeout(client::PATIENCE, arrived).await.unwrap_or_else(|_| panic!("case {case} did not arrive"));
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let at = listener.local_addr().expect("a bound listener has an address");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = Stub { at, state: Arc::clone(&state) };
        connections.spawn(serve(stream, service));
    }
}

async fn serve(stream: TcpStream, service: Stub) {
    let mut server = Builder::new(TokioExecutor::new());
    server.http2().max_header_list_size(client::HEADERS);
    // A gateway that goes away is no failure of the stub.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

#[derive(Debug)]
struct Stub {
    at: SocketAddr,
    state: Arc<State>,
}

impl Service<http::Request<Incoming>> for Stub {
    type Response = Response<answer::Body>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, mut request: http::Request<Incoming>) -> Self::Future {
        let (at, state) = (self.at, Arc::clone(&self.state));
        Box::pin(async move {
            let upgrade = hyper::upgrade::on(&mut request);
            let (head, body) = request.into_parts();
            let collected = body.collect().await?;
            let trailers = collected.trailers().cloned();
            let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let asked_for_headers = head.method == Method::HEAD;
            let (version, method, headers) = (head.version, head.method, head.headers);
            let seen = Seen { at, version, method, path, headers, body: collected.to_bytes(), trailers };
            let case = seen.header(CASE).unwrap_or_default().to_owned();
            let next = state.answers.lock().unwrap().get_mut(&case).and_then(VecDeque::pop_front);
            state.seen.lock().unwrap().entry(case).or_default().push(seen);
            state.arrived.notify_waiters();
            if let Some(Answer::Upgrade) = next {
                state.upgraded.lock().unwrap().spawn(answer::echo(upgrade));
            }
            let mut response = answer::render(next.unwrap_or(Answer::Json)).await;
            if asked_for_headers {
                *response.body_mut() = answer::Body::Left(Default::default());
            }
            Ok(response)
        })
    }
}
