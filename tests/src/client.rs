//! A client that sends bytes exactly as it is told and tells exactly what came back.

use crate::mode::Http;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Longest wait for anything from the gateway.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Most that a client and a model server take as headers, bytes: more than any test sends.
pub(crate) const HEADERS: u32 = 1 << 20;

/// A request body.
#[derive(Clone, Debug)]
pub enum Upload {
    /// In one piece, its length told in advance.
    Whole(Bytes),
    /// Piece by piece without a length, with trailers behind it if there are any.
    Pieces(Vec<Bytes>, Option<HeaderMap>),
    /// Piece by piece as the test hands them in; it ends when the test drops its end.
    Fed(Fed),
}

/// What a test hands in while the request is under way.
#[derive(Clone, Debug)]
pub struct Fed(Arc<Mutex<Option<UnboundedReceiver<Bytes>>>>);

/// A request.
#[derive(Clone, Debug)]
pub struct Message {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub upload: Upload,
}

impl Message {
    /// A chat completion with this body.
    pub fn chat(body: impl Into<Bytes>) -> Message {
        Message::post("/v1/chat/completions", body).with("content-type", "application/json")
    }

    /// A POST of these bytes.
    pub fn post(path: &str, body: impl Into<Bytes>) -> Message {
        let upload = Upload::Whole(body.into());
        Message { method: Method::POST, path: path.to_owned(), headers: HeaderMap::new(), upload }
    }

    /// A GET.
    pub fn get(path: &str) -> Message {
        Message::of(Method::GET, path)
    }

    /// A request without a body.
    pub fn of(method: Method, path: &str) -> Message {
        Message { method, ..Message::post(path, Bytes::new()) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Message {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a valid header"));
        self
    }

    /// The same bytes in pieces of a size.
    #[must_use]
    pub fn in_pieces(mut self, size: usize, trailers: Option<HeaderMap>) -> Message {
        if let Upload::Whole(body) = &self.upload {
            let pieces = body.chunks(size).map(Bytes::copy_from_slice).collect();
            self.upload = Upload::Pieces(pieces, trailers);
        }
        self
    }

    /// The same with a body that is handed in while the request is under way, and the end to hand it in by.
    pub fn fed(mut self) -> (Message, UnboundedSender<Bytes>) {
        let (sender, receiver) = unbounded_channel();
        self.upload = Upload::Fed(Fed(Arc::new(Mutex::new(Some(receiver)))));
        (self, sender)
    }

    /// The bytes of a body that is sent in one piece.
    pub fn bytes(&self) -> &Bytes {
        let Upload::Whole(body) = &self.upload else { panic!("the body is not sent in one piece") };
        body
    }
}

/// The answer's head has arrived; its body arrives as it is read.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// What came behind the body, once it was read.
    pub trailers: Option<HeaderMap>,
    body: Incoming,
    connection: JoinSet<()>,
}

impl Reply {
    /// A header's value, if it came once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// Reads until at least this many bytes are there, or the body ends.
    pub async fn read(&mut self, at_least: usize) -> Bytes {
        self.try_read(at_least).await.expect("the answer is not cut")
    }

    /// Reads the rest and closes the connection.
    pub async fn finish(mut self) -> Bytes {
        let rest = self.read(usize::MAX).await;
        self.connection.shutdown().await;
        rest
    }

    /// Reads like [`Reply::read`] from an answer that may be cut.
    ///
    /// # Errors
    /// When the connection or the stream breaks before the end of the body.
    pub async fn try_read(&mut self, at_least: usize) -> hyper::Result<Bytes> {
        let mut read = BytesMut::new();
        while read.len() < at_least {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("the answer goes on in time");
            let Some(frame) = frame else { break };
            match frame?.into_data() {
                Ok(data) => read.extend_from_slice(&data),
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
        Ok(read.freeze())
    }
}

/// A header's value, if it came once and is text.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    assert!(values.next().is_none(), "{name} came more than once");
    Some(value)
}

/// A body that must be JSON.
pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(body)))
}

/// Sends a message on a connection of its own and waits for the head of the answer.
pub async fn send(to: SocketAddr, http: Http, message: &Message) -> Reply {
    attempt(to, http, message).await.expect("the gateway answers")
}

/// The same where the connection may break.
///
/// # Errors
/// When it does.
pub async fn attempt(to: SocketAddr, http: Http, message: &Message) -> hyper::Result<Reply> {
    tokio::time::timeout(PATIENCE, exchange(to, http, message)).await.expect("the answer begins in time")
}

async fn exchange(to: SocketAddr, http: Http, message: &Message) -> hyper::Result<Reply> {
    let stream = TcpStream::connect(to).await.expect("the gateway listens");
    stream.set_nodelay(true).expect("a socket takes options");
    let stream = TokioIo::new(stream);
    let request = request(to, http, message);
    let mut tasks = JoinSet::new();
    // A connection that breaks shows in the answer, which then breaks too.
    let response: Response<Incoming> = match http {
        Http::One => {
            let (mut sender, connection) = http1::handshake(stream).await?;
            tasks.spawn(async move { drop(connection.await) });
            sender.send_request(request).await?
        }
        Http::Two => {
            let (mut sender, connection) =
                http2::Builder::new(TokioExecutor::new()).max_header_list_size(HEADERS).handshake(stream).await?;
            tasks.spawn(async move { drop(connection.await) });
            sender.send_request(request).await?
        }
    };
    let (head, body) = response.into_parts();
    Ok(Reply { status: head.status.as_u16(), headers: head.headers, trailers: None, body, connection: tasks })
}

type Body = Either<Full<Bytes>, StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

fn body(upload: &Upload) -> Body {
    match upload {
        Upload::Whole(body) => Either::Left(Full::new(body.clone())),
        Upload::Pieces(pieces, trailers) => {
            let pieces = pieces.clone().into_iter().map(Frame::data);
            let frames: Vec<_> = pieces.chain(trailers.clone().map(Frame::trailers)).map(Ok).collect();
            Either::Right(StreamBody::new(stream::iter(frames).boxed()))
        }
        Upload::Fed(Fed(receiver)) => {
            let receiver = receiver.lock().unwrap().take().expect("a fed message is sent once");
            Either::Right(StreamBody::new(UnboundedReceiverStream::new(receiver).map(|p| Ok(Frame::data(p))).boxed()))
        }
    }
}

fn request(to: SocketAddr, http: Http, message: &Message) -> Request<Body> {
    // HTTP/1 names its host in a header, HTTP/2 in the address.
    let host = message.headers.get("host").and_then(|host| host.to_str().ok()).map_or(to.to_string(), str::to_owned);
    let address = if http == Http::One { message.path.clone() } else { format!("http://{host}{}", message.path) };
    let mut request = Request::new(body(&message.upload));
    *request.method_mut() = message.method.clone();
    *request.uri_mut() = address.parse().expect("a valid path");
    *request.headers_mut() = message.headers.clone();
    request.headers_mut().remove("host");
    if http == Http::One {
        request.headers_mut().insert("host", HeaderValue::from_str(&host).expect("a host is a valid header"));
        if let Upload::Pieces(_, Some(trailers)) = &message.upload {
            let names = trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
            // Without this announcement the client library leaves the trailers out.
            request.headers_mut().insert("trailer", HeaderValue::from_str(&names).expect("names are valid"));
        }
    }
    request
}
