//! A stub of a model server that keeps every request as it came.

use crate::client;
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, Response, StatusCode, Version};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::{body::Frame, body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

/// Request header by which a test finds its own request again.
pub const CASE: &str = "x-case";

/// The whole answer to a request that asks for no stream, in a spelling that no encoder would choose.
pub const COMPLETION: &str = "{ \"id\":\"chatcmpl-1\", \"object\" : \"chat.completion\",\r\n \"created\":1.7e9,\"choices\":[{\"index\":0,\
     \"message\":{\"role\":\"assistant\",\"content\":\"3x\\u00b2 \u{1F600}\"},\"finish_reason\":\"stop\"}], \"usage\":{} }\n";

/// Number of events in a streamed answer.
pub const EVENTS: usize = 50;

/// One event of a streamed answer; the one behind the last ends it.
pub fn event(index: usize) -> Bytes {
    if index == EVENTS {
        return Bytes::from_static(b"data: [DONE]\n\n");
    }
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"word {index}\"}}}}]}}\n\n").into()
}

/// How the next request of a case is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// [`COMPLETION`].
    Json,
    /// All events. The first goes out at once, the others once the semaphore has a permit.
    Events(Arc<Semaphore>),
    /// A status and a body of the model server's own.
    Status(u16, &'static str),
}

/// A request as it came, and where.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which of the server's addresses it came to.
    pub at: SocketAddr,
    pub version: Version,
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
    answers: Mutex<HashMap<String, Answer>>,
    seen: Mutex<HashMap<String, Seen>>,
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

    /// Sets how the request of a case is answered.
    pub fn answer(&self, case: &str, answer: Answer) {
        self.state.answers.lock().unwrap().insert(case.to_owned(), answer);
    }

    /// Takes out what came for a case.
    pub fn take(&self, case: &str) -> Option<Seen> {
        self.state.seen.lock().unwrap().remove(case)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let at = listener.local_addr().expect("a bound listener has an address");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = Stub { at, state: Arc::clone(&state) };
        connections.spawn(async move {
            // A gateway that goes away is no failure of the stub.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[derive(Debug)]
struct Stub {
    at: SocketAddr,
    state: Arc<State>,
}

type Body = Either<Full<Bytes>, StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

impl Service<http::Request<Incoming>> for Stub {
    type Response = Response<Body>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let (at, state) = (self.at, Arc::clone(&self.state));
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let collected = body.collect().await?;
            let trailers = collected.trailers().cloned();
            let (version, path) = (head.version, head.uri.path().to_owned());
            let seen = Seen { at, version, path, headers: head.headers, body: collected.to_bytes(), trailers };
            let case = seen.header(CASE).unwrap_or_default().to_owned();
            let answer = state.answers.lock().unwrap().remove(&case).unwrap_or(Answer::Json);
            state.seen.lock().unwrap().insert(case, seen);
            Ok(render(answer))
        })
    }
}

fn render(answer: Answer) -> Response<Body> {
    let whole = |status, body: &'static str| {
        let mut response = Response::new(Either::Left(Full::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).expect("tests name valid statuses");
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        response
    };
    match answer {
        Answer::Json => whole(200, COMPLETION),
        Answer::Status(status, body) => whole(status, body),
        Answer::Events(permit) => {
            let events = stream::iter(0..=EVENTS).then(move |index| {
                let permit = Arc::clone(&permit);
                async move {
                    if index == 1 {
                        permit.acquire().await.expect("the semaphore stays open").forget();
                    }
                    Ok(Frame::data(event(index)))
                }
            });
            let mut response = Response::new(Either::Right(StreamBody::new(events.boxed())));
            response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
            response
        }
    }
}
