//! What the stub of a model server says.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full, StreamBody};
use hyper::{body::Frame, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use std::{io, sync::Arc};
use tokio::sync::Semaphore;

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
    /// The first event, and once the semaphore has a permit the connection breaks.
    Broken(Arc<Semaphore>),
    /// An answer of the model server's own.
    Own(Own),
    /// The same once the semaphore has a permit.
    Late(Arc<Semaphore>, Own),
    /// A change to another protocol, in which everything is sent back.
    Upgrade,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Own {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Answer {
    /// A status and a JSON body.
    pub fn status(status: u16, body: impl Into<Bytes>) -> Answer {
        Answer::Own(Own::new(status, body).with("content-type", "application/json"))
    }

    /// [`COMPLETION`], once the semaphore has a permit.
    pub fn late(permit: &Arc<Semaphore>) -> Answer {
        Answer::Late(Arc::clone(permit), Own::new(200, COMPLETION).with("content-type", "application/json"))
    }
}

impl Own {
    /// A status and a body.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Own {
        Own { status, headers: HeaderMap::new(), body: body.into(), trailers: None }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Own {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a valid header"));
        self
    }

    /// The same in pieces, with trailers behind them.
    #[must_use]
    pub fn with_trailers(self, trailers: HeaderMap) -> Own {
        Own { trailers: Some(trailers), ..self }
    }
}

pub(crate) type Body = Either<Full<Bytes>, StreamBody<stream::BoxStream<'static, io::Result<Frame<Bytes>>>>>;

pub(crate) async fn render(answer: Answer) -> Response<Body> {
    let json = || Own::new(200, COMPLETION).with("content-type", "application/json");
    match answer {
        Answer::Json => own(json()),
        Answer::Own(answer) => own(answer),
        Answer::Late(permit, answer) => {
            permit.acquire().await.expect("the semaphore stays open").forget();
            own(answer)
        }
        Answer::Events(permit) => events(permit, EVENTS + 1),
        Answer::Broken(permit) => events(permit, 1),
        Answer::Upgrade => own(Own::new(101, "").with("connection", "upgrade").with("upgrade", "websocket")),
    }
}

fn own(answer: Own) -> Response<Body> {
    let Own { status, headers, body, trailers } = answer;
    let body = match &trailers {
        None => Either::Left(Full::new(body)),
        Some(trailers) => {
            let pieces = body.chunks(20).map(Bytes::copy_from_slice).map(Frame::data);
            let frames: Vec<_> = pieces.chain([Frame::trailers(trailers.clone())]).map(Ok).collect();
            Either::Right(StreamBody::new(stream::iter(frames).boxed()))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("tests name valid statuses");
    *response.headers_mut() = headers;
    for name in trailers.iter().flat_map(HeaderMap::keys) {
        response.headers_mut().append("trailer", name.clone().into());
    }
    response
}

/// The first events of a stream, all but the first after a permit; the stream breaks if they are not all.
fn events(permit: Arc<Semaphore>, count: usize) -> Response<Body> {
    let events = stream::iter(0..=count).then(move |index| {
        let permit = Arc::clone(&permit);
        async move {
            if index == 1 {
                permit.acquire().await.expect("the semaphore stays open").forget();
            }
            (index, count)
        }
    });
    let frames = events.filter_map(|(index, count)| async move {
        match index {
            _ if index < count => Some(Ok(Frame::data(event(index)))),
            _ if count <= EVENTS => Some(Err(io::Error::other("the stream breaks here"))),
            _ => None,
        }
    });
    let mut response = Response::new(Either::Right(StreamBody::new(frames.boxed())));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
    response
}

/// Sends everything back that comes once the protocol has changed.
pub(crate) async fn echo(upgrade: OnUpgrade) {
    // A client that leaves ends it.
    let Ok(stream) = upgrade.await else { return };
    let (mut reader, mut writer) = tokio::io::split(TokioIo::new(stream));
    let _ = tokio::io::copy(&mut reader, &mut writer).await;
}
