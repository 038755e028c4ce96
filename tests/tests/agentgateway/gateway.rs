//! agentgateway as a client of an external processor, as far as it was watched: what it sends in which order, what it makes
//! of each answer, and where it hangs, fails with 500, loses a body or drops an edit. Where the real one does one of these
//! the exchange here ends with the [`Broken`] that says so.

use crate::{
    headers::{self, Fields},
    policy::{Body, Policy, Send},
    wire::{Stream, chunks, kind},
};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use tonic::transport::Channel;
use trackside_extproc::proto::{
    BodyMutation, BodyResponse, CommonResponse, HeaderMutation, HttpBody, HttpHeaders, ImmediateResponse, Metadata,
    ProcessingRequest, body_mutation::Mutation, external_processor_client::ExternalProcessorClient,
    processing_request::Request, processing_response::Response,
};

/// What goes wrong for the gateway's user.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing more happens, ever: there is no time limit.
    Hangs(&'static str),
    /// The user gets 500.
    Fails(String),
    /// The body is gone.
    LosesBody(&'static str),
    /// Edits have no effect, without a word.
    DropsEdits(String),
}

/// How a body is uploaded.
#[derive(Clone, Debug)]
pub enum Upload {
    /// With its length in front.
    Sized(Bytes),
    /// In these chunks; trailers behind the last one if asked for.
    Chunked(Vec<Bytes>, Trailers),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailers {
    None,
    Some,
}

/// What the gateway's user sends.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: Fields,
    pub upload: Upload,
}

/// What the upstream answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: &'static str,
    pub headers: Fields,
    /// One piece per event, or one for all.
    pub pieces: Vec<Bytes>,
}

/// What came of an exchange that did not break.
#[derive(Debug, Default)]
pub struct Done {
    /// An answer that the processor gave instead of an upstream.
    pub immediate: Option<ImmediateResponse>,
    /// What the upstream got, and the route's key at the moment of routing.
    pub upstream: Option<(Fields, Bytes)>,
    pub route: Option<String>,
    /// What the user got from the upstream.
    pub answer: Option<(Fields, Bytes)>,
    /// Every message in the order in which it went, `>` to the processor and `<` from it.
    pub log: Vec<String>,
    /// Messages that the gateway ignored.
    pub ignored: usize,
}

/// What is configured beside the processing options.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    pub attributes: BTreeMap<String, prost_types::Struct>,
    pub metadata: Option<Metadata>,
    /// `agentgateway.dev.grpc_initial_metadata`.
    pub initial: Vec<(&'static str, &'static str)>,
}

/// A gateway with one policy.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub client: ExternalProcessorClient<Channel>,
    pub policy: Policy,
    pub beside: Beside,
}

/// One exchange under way.
struct Exchange<'a> {
    policy: Policy,
    beside: &'a Beside,
    stream: Stream,
    done: Done,
    headers: Fields,
    first: bool,
}

/// An answer that ends the exchange.
enum Early {
    Broken(Broken),
    Immediate(ImmediateResponse),
}

impl From<Broken> for Early {
    fn from(broken: Broken) -> Early {
        Early::Broken(broken)
    }
}

impl Gateway {
    /// Carries one call through.
    ///
    /// # Errors
    /// Where the real gateway would let its user down.
    pub async fn carry(&self, call: Call, answer: Answer) -> Result<Done, Broken> {
        let stream = Stream::open(self.client.clone(), &self.beside.initial);
        let (policy, headers) = (self.policy, call.fields());
        let mut exchange =
            Exchange { policy, beside: &self.beside, stream, done: Done::default(), headers, first: true };
        match exchange.run(call, answer).await {
            Ok(()) => {}
            Err(Early::Immediate(immediate)) => exchange.done.immediate = Some(immediate),
            Err(Early::Broken(broken)) => return Err(broken),
        }
        // Done is done: the sending side closes, nothing is reset, and the processor has to leave too.
        exchange.stream.half_close().await?;
        exchange.done.ignored = exchange.stream.ignored;
        exchange.done.log = exchange.stream.log;
        Ok(exchange.done)
    }
}

impl Exchange<'_> {
    async fn run(&mut self, call: Call, answer: Answer) -> Result<(), Early> {
        let body = match call.upload {
            Upload::Sized(bytes) if bytes.is_empty() => {
                self.bodyless().await?;
                Bytes::new()
            }
            upload if self.policy.request == Body::Duplex => self.duplex_request(upload).await?,
            upload => self.stepwise_request(upload).await?,
        };
        self.done.route = headers::get(&self.headers, "x-selected-model").map(str::to_owned);
        self.done.upstream = Some((std::mem::take(&mut self.headers), body));
        self.response(answer).await
    }

    /// The headers are all there is.
    async fn bodyless(&mut self) -> Result<(), Early> {
        if self.policy.request_headers == Send::Yes {
            self.send_request_headers(true);
            self.answered_request_headers().await?;
        }
        Ok(())
    }

    /// Headers, their answer, then the body as the mode has it.
    async fn stepwise_request(&mut self, upload: Upload) -> Result<Bytes, Early> {
        let (body, trailers) = upload.whole();
        let length_counts = self.policy.request_headers == Send::Yes;
        if self.policy.request_headers == Send::Yes {
            self.send_request_headers(false);
            self.answered_request_headers().await?;
        }
        let shown = match self.policy.request {
            Body::None => return Ok(body),
            Body::Duplex => return self.duplex_body(Upload::Sized(body)).await,
            Body::Buffered if body.len() > self.policy.buffer => {
                return Err(Broken::Fails("the body is over the buffer limit".to_owned()).into());
            }
            Body::Buffered | Body::Partial => body.slice(..body.len().min(self.policy.buffer)),
        };
        let rest = body.slice(shown.len()..);
        self.send_request_body(shown.clone(), &rest, trailers);
        let common = self.answered_request_body().await?;
        let applied = self.apply_to_request(common.header_mutation.as_ref(), length_counts);
        let (replaced, streamed) = match common.body_mutation.and_then(|mutation| mutation.mutation) {
            None => (shown, true),
            Some(Mutation::Body(bytes)) => (bytes, false),
            Some(Mutation::ClearBody(_)) => (Bytes::new(), false),
            Some(Mutation::StreamedResponse(piece)) => (piece.body, true),
        };
        applied?;
        let strict = self.policy.request == Body::Buffered && length_counts && !streamed;
        if strict {
            headers::check_length(&self.headers, replaced.len())?;
        }
        if trailers == Trailers::Some {
            self.answered_request_trailers().await?;
        }
        Ok([replaced, rest].concat().into())
    }

    fn send_request_body(&mut self, shown: Bytes, rest: &Bytes, trailers: Trailers) {
        let whole = rest.is_empty();
        let end = whole && trailers == Trailers::None;
        let apart = end && self.policy.end_apart;
        self.send(Request::RequestBody(HttpBody { body: shown, end_of_stream: end && !apart }));
        if apart {
            self.send(Request::RequestBody(HttpBody { body: Bytes::new(), end_of_stream: true }));
        }
        if trailers == Trailers::Some && whole {
            self.send(Request::RequestTrailers(headers::trailers()));
        }
    }

    /// Headers and body at once; nothing is waited for until all is sent.
    async fn duplex_request(&mut self, upload: Upload) -> Result<Bytes, Early> {
        if self.policy.request_headers == Send::Yes {
            self.send_request_headers(false);
        }
        self.duplex_body(upload).await
    }

    async fn duplex_body(&mut self, upload: Upload) -> Result<Bytes, Early> {
        let unanswered =
            self.policy.request_headers == Send::Yes && self.policy.request == Body::Duplex && self.waits();
        let trailers = self.send_pieces(upload);
        if unanswered {
            self.answered_request_headers().await?;
        }
        let mut body = BytesMut::new();
        loop {
            match self.next("an answer to the request body").await? {
                Response::RequestBody(answer) => {
                    if self.take_piece(answer, &mut body)? {
                        return Ok(body.freeze());
                    }
                }
                Response::RequestTrailers(_) if trailers == Trailers::Some => return Ok(body.freeze()),
                other => return Err(self.shifted(&other)),
            }
        }
    }

    /// Whether the answer to the headers is still owed: it is not when an override made the body duplex.
    fn waits(&self) -> bool {
        !self.stream.log.iter().any(|line| line == "<RH")
    }

    fn send_pieces(&mut self, upload: Upload) -> Trailers {
        let (pieces, sized, trailers) = match upload {
            Upload::Sized(bytes) => (chunks(bytes), true, Trailers::None),
            Upload::Chunked(pieces, trailers) => (pieces, false, trailers),
        };
        let count = pieces.len();
        for (at, body) in pieces.into_iter().enumerate() {
            self.send(Request::RequestBody(HttpBody { body, end_of_stream: sized && at + 1 == count }));
        }
        match trailers {
            Trailers::Some => self.send(Request::RequestTrailers(headers::trailers())),
            Trailers::None if !sized => {
                self.send(Request::RequestBody(HttpBody { body: Bytes::new(), end_of_stream: true }));
            }
            Trailers::None => {}
        }
        trailers
    }

    /// Takes one duplex answer, and tells whether it was the last.
    fn take_piece(&mut self, answer: BodyResponse, body: &mut BytesMut) -> Result<bool, Early> {
        let common = answer.response.unwrap_or_default();
        if let Some(mutation) = common.header_mutation.filter(|mutation| !headers::is_empty(mutation)) {
            return Err(Broken::DropsEdits(format!("{mutation:?} beside a piece of a body")).into());
        }
        match common.body_mutation {
            Some(BodyMutation { mutation: Some(Mutation::StreamedResponse(piece)) }) => {
                body.extend_from_slice(&piece.body);
                Ok(piece.end_of_stream)
            }
            Some(BodyMutation { mutation: Some(Mutation::Body(bytes)) }) => {
                body.extend_from_slice(&bytes);
                Ok(true)
            }
            _ => Err(Broken::LosesBody("an answer without a piece takes the piece away").into()),
        }
    }

    async fn response(&mut self, answer: Answer) -> Result<(), Early> {
        let mut fields = answer.headers.clone();
        let skipped = self.policy.response_headers == Send::Skip;
        if skipped && self.policy.response == Body::None {
            self.done.answer = Some((fields, answer.pieces.concat().into()));
            return Ok(());
        }
        if !skipped {
            self.send_response_headers(&answer);
            if self.policy.response != Body::Duplex {
                self.answered_response_headers(&mut fields).await?;
            }
        }
        let body = match self.policy.response {
            Body::None => answer.pieces.concat().into(),
            Body::Buffered | Body::Partial => self.buffered_response(&answer, &mut fields, skipped).await?,
            Body::Duplex => self.duplex_response(&answer, &mut fields, skipped).await?,
        };
        self.done.answer = Some((fields, body));
        Ok(())
    }

    async fn buffered_response(&mut self, answer: &Answer, fields: &mut Fields, skipped: bool) -> Result<Bytes, Early> {
        let whole = Bytes::from(answer.pieces.concat());
        if whole.is_empty() {
            return Ok(whole);
        }
        self.send(Request::ResponseBody(HttpBody { body: whole.clone(), end_of_stream: true }));
        let common = match self.next("an answer to the response body").await? {
            Response::ResponseBody(answer) => answer.response.unwrap_or_default(),
            other => return Err(self.shifted(&other)),
        };
        headers::apply(fields, common.header_mutation.as_ref())?;
        match common.body_mutation.and_then(|mutation| mutation.mutation) {
            Some(Mutation::Body(bytes)) => {
                if !skipped && self.policy.response == Body::Buffered {
                    headers::check_length(fields, bytes.len())?;
                }
                Ok(bytes)
            }
            Some(_) => Err(Broken::LosesBody("no such answer was expected").into()),
            None => Ok(whole),
        }
    }

    /// Every event is a message of its own, and the end is an empty one. An event reaches the user when it is answered.
    async fn duplex_response(&mut self, answer: &Answer, fields: &mut Fields, skipped: bool) -> Result<Bytes, Early> {
        if !skipped {
            self.answered_response_headers(fields).await?;
        }
        let mut body = BytesMut::new();
        for piece in &answer.pieces {
            self.send(Request::ResponseBody(HttpBody { body: piece.clone(), end_of_stream: false }));
            let before = body.len();
            while body.len() < before + piece.len() {
                self.response_piece(&mut body).await?;
            }
        }
        self.send(Request::ResponseBody(HttpBody { body: Bytes::new(), end_of_stream: true }));
        while !self.response_piece(&mut body).await? {}
        Ok(body.freeze())
    }

    async fn response_piece(&mut self, body: &mut BytesMut) -> Result<bool, Early> {
        match self.next("a piece of the response").await? {
            Response::ResponseBody(answer) => self.take_piece(answer, body),
            other => Err(self.shifted(&other)),
        }
    }

    fn send_request_headers(&mut self, end_of_stream: bool) {
        let headers = Some(headers::map(&self.headers));
        self.send(Request::RequestHeaders(HttpHeaders { headers, end_of_stream }));
    }

    fn send_response_headers(&mut self, answer: &Answer) {
        let mut fields = answer.headers.clone();
        fields.push((":status".to_owned(), answer.status.to_owned()));
        let end_of_stream = answer.pieces.concat().is_empty();
        let headers = Some(headers::map(&fields));
        // Attributes ride on the first message of each side.
        self.first = true;
        self.send(Request::ResponseHeaders(HttpHeaders { headers, end_of_stream }));
    }

    /// Sends a message with what rides beside it.
    fn send(&mut self, request: Request) {
        let first = std::mem::replace(&mut self.first, false);
        self.stream.send(ProcessingRequest {
            protocol_config: (first && self.stream.log.is_empty()).then(|| self.policy.told()),
            attributes: if first { self.beside.attributes.clone() } else { BTreeMap::new() },
            metadata_context: self.beside.metadata.clone(),
            observability_mode: false,
            request: Some(request),
        });
    }

    async fn answered_request_headers(&mut self) -> Result<(), Early> {
        let answer = match self.next("an answer to the request headers").await? {
            Response::RequestHeaders(headers) => headers.response.unwrap_or_default(),
            Response::RequestBody(_) => return Err(Broken::Hangs("a body was answered before the headers").into()),
            other => return Err(self.shifted(&other)),
        };
        if answer.body_mutation.is_some() {
            return Err(Broken::Hangs("a body beside an answer to headers").into());
        }
        self.apply_to_request(answer.header_mutation.as_ref(), true)?;
        if let Some(asked) = self.stream.asked.take() {
            self.policy.follow(&asked);
        }
        Ok(())
    }

    fn apply_to_request(&mut self, mutation: Option<&HeaderMutation>, counts: bool) -> Result<(), Early> {
        // Without request headers the edits beside the body have no effect; nobody can tell.
        if counts { headers::apply(&mut self.headers, mutation).map_err(Early::from) } else { Ok(()) }
    }

    async fn answered_request_body(&mut self) -> Result<CommonResponse, Early> {
        match self.next("an answer to the request body").await? {
            Response::RequestBody(body) => Ok(body.response.unwrap_or_default()),
            other => Err(self.shifted(&other)),
        }
    }

    async fn answered_request_trailers(&mut self) -> Result<(), Early> {
        match self.next("an answer to the request trailers").await? {
            Response::RequestTrailers(_) => Ok(()),
            other => Err(self.shifted(&other)),
        }
    }

    async fn answered_response_headers(&mut self, fields: &mut Fields) -> Result<(), Early> {
        loop {
            match self.next("an answer to the response headers").await? {
                Response::ResponseHeaders(answer) => {
                    let common = answer.response.unwrap_or_default();
                    self.stream.asked = None;
                    return headers::apply(fields, common.header_mutation.as_ref()).map_err(Early::from);
                }
                // A second answer to a buffered body is ignored.
                Response::RequestBody(_) if self.policy.request == Body::Buffered => {}
                other => return Err(self.shifted(&other)),
            }
        }
    }

    async fn next(&mut self, what: &'static str) -> Result<Response, Early> {
        match self.stream.next(what).await? {
            Response::ImmediateResponse(immediate) => Err(Early::Immediate(immediate)),
            response => Ok(response),
        }
    }

    /// An answer of another phase is kept for later, and from then on question and answer do not meet.
    fn shifted(&self, other: &Response) -> Early {
        Broken::Fails(format!("{} is out of turn after {:?}", kind(other), self.stream.log)).into()
    }
}

impl Call {
    fn fields(&self) -> Fields {
        let mut fields = self.headers.clone();
        if let Upload::Sized(bytes) = &self.upload
            && !bytes.is_empty()
        {
            fields.push(("content-length".to_owned(), bytes.len().to_string()));
        }
        // Pseudo-headers come last.
        for (name, value) in
            [(":method", self.method), (":scheme", "http"), (":authority", "lab.test"), (":path", self.path)]
        {
            fields.push((name.to_owned(), value.to_owned()));
        }
        fields
    }
}

impl Upload {
    fn whole(self) -> (Bytes, Trailers) {
        match self {
            Upload::Sized(bytes) => (bytes, Trailers::None),
            Upload::Chunked(pieces, trailers) => (pieces.concat().into(), trailers),
        }
    }
}
