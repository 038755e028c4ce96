//! Any body, cut in any way, in any mixture of modes: what reaches the other side is the same bytes, or those of the
//! decision. Envoy's side is a small model that accepts no answer that Envoy would mind.

use crate::{
    script::{answer, message},
    stand_in::Running,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{future::Future, io::Write as _, pin::Pin, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use trackside_extproc::{
    Limits,
    proto::{
        BodySendMode as Mode, CommonResponse, HeaderSendMode, HttpBody, ProcessingRequest, ProcessingResponse,
        ProtocolConfiguration, body_mutation::Mutation, processing_request::Request, processing_response::Response,
    },
};

/// What Envoy's filter holds of a body in the partial mode, bytes.
const BUFFER: usize = 500;

const MODES: [Mode; 5] = [Mode::None, Mode::Streamed, Mode::Buffered, Mode::BufferedPartial, Mode::FullDuplexStreamed];

/// How a body ends: with a flag on its last piece, with an empty piece, or with trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Flag,
    Empty,
    Trailers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
}

/// One exchange through one filter.
#[derive(Clone, Debug)]
struct Case {
    word: &'static str,
    call: bool,
    headers_shown: bool,
    overrides: bool,
    modes: (Mode, Mode),
    filler: usize,
    coding: Coding,
    cuts: Vec<usize>,
    end: End,
    answer: Vec<usize>,
    answer_end: End,
}

impl Case {
    fn text(&self) -> Vec<u8> {
        format!("{{\"{}\":\"{}\"}}\n ", self.word, "f\\\"{".repeat(self.filler)).into_bytes()
    }

    fn body(&self) -> Vec<u8> {
        match self.coding {
            Coding::Plain => self.text(),
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
                encoder.write_all(&self.text()).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    /// What has to reach the upstream when the body was shown in this mode, whole or not.
    fn expected(&self, mode: Mode) -> Vec<u8> {
        let whole = mode != Mode::None && (mode != Mode::BufferedPartial || self.whole());
        match (self.call && whole, self.word) {
            (true, "auto") => [b"{\"chosen", &self.text()[6..]].concat(),
            // Piece by piece it is decoded in any case.
            (true, _) if mode == Mode::Streamed => self.text(),
            _ => self.body(),
        }
    }

    /// Whether the partial mode shows all of it, and says so.
    fn whole(&self) -> bool {
        self.body().len() <= BUFFER && self.end != End::Trailers
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let cuts = prop::collection::vec(prop_oneof![0usize..40, 500usize..90_000], 0..6);
    let end = prop_oneof![Just(End::Flag), Just(End::Empty), Just(End::Trailers)];
    let mode = || prop::sample::select(&MODES[..]);
    let filler = prop_oneof![0usize..100, 20_000usize..60_000];
    let first = (prop::sample::select(&["auto", "keep", "pass"][..]), any::<bool>(), any::<bool>(), any::<bool>());
    let coding = prop_oneof![3 => Just(Coding::Plain), 1 => Just(Coding::Gzip)];
    (first, (mode(), mode()), filler, coding, cuts.clone(), end.clone(), cuts, end).prop_map(
        |((word, call, shown, overrides), modes, filler, coding, cuts, end, answer, answer_end)| {
            // Without headers everything is taken for a call, and no coding is known.
            let headers_shown = shown || modes.0 == Mode::None || !call || coding == Coding::Gzip;
            // Compressed bytes do not show where their object ends, so behind them trailers come too late.
            let late = coding == Coding::Gzip && modes.0 == Mode::Streamed && end == End::Trailers;
            let end = if late { End::Empty } else { end };
            Case { word, call, headers_shown, overrides, modes, filler, coding, cuts, end, answer, answer_end }
        },
    )
}

#[test]
fn what_goes_on_is_what_came_or_what_was_decided() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Running::start(Limits::default()));
    let config = proptest::test_runner::Config { cases: 400, ..Default::default() };
    TestRunner::new(config)
        .run(&cases(), |case| {
            runtime.block_on(exchange(&server, &case));
            Ok(())
        })
        .unwrap();
}

async fn exchange(server: &Running, case: &Case) {
    let mut filter = Filter::open(server, case).await;
    let went_on = filter.request(case).await;
    let expected = case.expected(filter.modes.0);
    assert!(went_on == expected, "{} bytes reach the upstream instead of {}", went_on.len(), expected.len());
    let answer: Vec<u8> = b"data: ".repeat(10_000);
    let came_back = filter.response(&cut(&answer, &case.answer), case.answer_end).await;
    assert!(came_back == answer, "{} bytes come back", came_back.len());
    filter.close().await;
}

fn cut(mut body: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    for size in sizes {
        let (piece, rest) = body.split_at(body.len().min(*size));
        pieces.push(Bytes::copy_from_slice(piece));
        body = rest;
    }
    pieces.push(Bytes::copy_from_slice(body));
    pieces
}

type Opening = Pin<Box<dyn Future<Output = Result<tonic::Response<Streaming<ProcessingResponse>>, Status>>>>;

/// Envoy's filter on one stream.
struct Filter {
    modes: (Mode, Mode),
    overrides: bool,
    overridden: bool,
    response_headers: bool,
    sender: Option<mpsc::Sender<ProcessingRequest>>,
    opening: Option<Opening>,
    answers: Option<Streaming<ProcessingResponse>>,
    told: bool,
    /// The length that the request declares.
    length: Option<usize>,
}

impl Filter {
    async fn open(server: &Running, case: &Case) -> Filter {
        let (sender, receiver) = mpsc::channel(64);
        let mut client = server.client().await;
        // Whoever overrides must be allowed to, and cannot where either side is duplex.
        let duplex = [case.modes.0, case.modes.1].contains(&Mode::FullDuplexStreamed);
        let keeps_length = matches!(case.modes.0, Mode::None | Mode::Buffered) && case.headers_shown;
        Filter {
            modes: case.modes,
            overrides: case.overrides && !duplex,
            overridden: false,
            response_headers: true,
            sender: Some(sender),
            opening: Some(Box::pin(async move { client.process(ReceiverStream::new(receiver)).await })),
            answers: None,
            told: false,
            length: (keeps_length && case.end == End::Flag).then(|| case.body().len()),
        }
    }

    async fn request(&mut self, case: &Case) -> Vec<u8> {
        let pieces = cut(&case.body(), &case.cuts);
        if case.headers_shown {
            let path = if case.call { "rh" } else { "rh other" };
            let coding = if case.coding == Coding::Gzip { " content-encoding=gzip" } else { "" };
            self.send(message(&format!("{path}{coding}"))).await;
            if self.modes.0 != Mode::FullDuplexStreamed {
                self.request_headers_answered().await;
            }
        }
        match self.modes.0 {
            Mode::FullDuplexStreamed => {
                for request in rendered(&pieces, case.end) {
                    self.send(request).await;
                }
                if case.headers_shown {
                    self.request_headers_answered().await;
                }
                self.duplex(case.end, Side::Request).await
            }
            Mode::Streamed => self.lock_step(rendered(&pieces, case.end), Side::Request).await,
            Mode::Buffered => self.buffered(pieces.concat(), Vec::new(), case.end, Side::Request).await,
            Mode::BufferedPartial => {
                let mut shown = pieces.concat();
                let rest = shown.split_off(shown.len().min(BUFFER));
                self.buffered(shown, rest, case.end, Side::Request).await
            }
            _ => pieces.concat(),
        }
    }

    async fn response(&mut self, pieces: &[Bytes], end: End) -> Vec<u8> {
        if self.response_headers {
            self.send(message("sh 200")).await;
            if self.modes.1 != Mode::FullDuplexStreamed {
                assert!(matches!(self.next().await, Response::ResponseHeaders(_)));
            }
        }
        // Trailers are switched off by the same override.
        let end = if end == End::Trailers && self.overridden { End::Empty } else { end };
        let turned = |requests: Vec<ProcessingRequest>| requests.into_iter().map(Side::turned).collect();
        match self.modes.1 {
            Mode::FullDuplexStreamed => {
                for request in rendered(pieces, end) {
                    self.send(Side::turned(request)).await;
                }
                if self.response_headers {
                    assert!(matches!(self.next().await, Response::ResponseHeaders(_)));
                }
                self.duplex(end, Side::Response).await
            }
            Mode::Streamed => self.lock_step(turned(rendered(pieces, end)), Side::Response).await,
            Mode::Buffered => self.buffered(pieces.concat(), Vec::new(), end, Side::Response).await,
            _ => pieces.concat(),
        }
    }

    async fn request_headers_answered(&mut self) {
        let (answer, asked) = self.next_with_mode().await;
        let Response::RequestHeaders(headers) = answer else { panic!("{answer:?} comes before the headers") };
        self.edits(&headers.response.unwrap());
        if let Some(asked) = asked.filter(|_| self.overrides) {
            self.overridden = true;
            self.modes = (asked.request_body_mode(), asked.response_body_mode());
            self.response_headers = asked.response_header_mode() != HeaderSendMode::Skip;
        }
    }

    /// Every message is answered by one of its kind before the next one goes.
    async fn lock_step(&mut self, requests: Vec<ProcessingRequest>, side: Side) -> Vec<u8> {
        let mut body = Vec::new();
        for request in requests {
            let piece = match request.request.as_ref().unwrap() {
                Request::RequestBody(piece) | Request::ResponseBody(piece) => Some(piece.body.clone()),
                _ => None,
            };
            self.send(request).await;
            let answer = self.next().await;
            match piece {
                Some(piece) => body.extend(replaced(&side.body(answer), piece)),
                None => side.trailers(&answer),
            }
        }
        body
    }

    async fn buffered(&mut self, shown: Vec<u8>, rest: Vec<u8>, end: End, side: Side) -> Vec<u8> {
        let whole = rest.is_empty();
        let body = HttpBody { body: shown.clone().into(), end_of_stream: whole && end != End::Trailers };
        let request = Request::RequestBody(body);
        let request = ProcessingRequest { request: Some(request), ..ProcessingRequest::default() };
        self.send(if side == Side::Request { request } else { Side::turned(request) }).await;
        let common = side.body(self.next().await);
        if side == Side::Request {
            self.edits(&common);
        }
        let body = replaced(&common, shown.into());
        if side == Side::Request && self.modes.0 == Mode::Buffered {
            assert!(self.length.is_none_or(|length| length == body.len()), "the length is {:?}", self.length);
        }
        if whole && end == End::Trailers {
            let trailers = message("rt");
            self.send(if side == Side::Request { trailers } else { Side::turned(trailers) }).await;
            side.trailers(&self.next().await);
        }
        [&body[..], &rest[..]].concat()
    }

    /// Pieces until the one with the end, or until trailers where they are the end.
    async fn duplex(&mut self, end: End, side: Side) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let answer = self.next().await;
            if matches!(answer, Response::RequestTrailers(_) | Response::ResponseTrailers(_)) {
                side.trailers(&answer);
                assert_eq!(end, End::Trailers);
                return body;
            }
            let common = side.body(answer);
            assert!(common.header_mutation.is_none(), "edits beside a piece are lost");
            let Some(Mutation::StreamedResponse(piece)) = common.body_mutation.unwrap().mutation else {
                panic!("only pieces are taken");
            };
            assert!(piece.body.len() <= 65_536);
            body.extend_from_slice(&piece.body);
            if piece.end_of_stream {
                assert_ne!(end, End::Trailers);
                return body;
            }
        }
    }

    fn edits(&mut self, common: &CommonResponse) {
        let Some(mutation) = &common.header_mutation else { return };
        if mutation.remove_headers.iter().any(|name| name == "content-length") {
            self.length = None;
        }
        for header in mutation.set_headers.iter().filter_map(|option| option.header.as_ref()) {
            if header.key == "content-length" {
                self.length = Some(std::str::from_utf8(&header.raw_value).unwrap().parse().unwrap());
            }
        }
    }

    async fn send(&mut self, mut message: ProcessingRequest) {
        if !std::mem::replace(&mut self.told, true) {
            message.protocol_config = Some(ProtocolConfiguration {
                request_body_mode: self.modes.0.into(),
                response_body_mode: self.modes.1.into(),
                send_body_without_waiting_for_header_response: false,
            });
        }
        self.sender.as_ref().unwrap().send(message).await.unwrap();
    }

    async fn next(&mut self) -> Response {
        self.next_with_mode().await.0
    }

    async fn next_with_mode(&mut self) -> (Response, Option<trackside_extproc::proto::ProcessingMode>) {
        let answer = timeout(Duration::from_secs(20), answer(&mut self.opening, &mut self.answers)).await;
        let answer = answer.unwrap().unwrap().unwrap();
        (answer.response.unwrap(), answer.mode_override)
    }

    /// Leaves, and finds nothing more to be said.
    async fn close(mut self) {
        self.sender = None;
        let rest = timeout(Duration::from_secs(20), answer(&mut self.opening, &mut self.answers)).await;
        assert!(matches!(rest, Ok(Ok(None))), "{rest:?} at the end");
    }
}

/// One of the two halves of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Request,
    Response,
}

impl Side {
    /// The same message in the other direction.
    fn turned(message: ProcessingRequest) -> ProcessingRequest {
        let request = message.request.map(|request| match request {
            Request::RequestBody(body) => Request::ResponseBody(body),
            Request::RequestTrailers(trailers) => Request::ResponseTrailers(trailers),
            other => panic!("{other:?} has no counterpart"),
        });
        ProcessingRequest { request, ..message }
    }

    fn body(self, answer: Response) -> CommonResponse {
        match (self, answer) {
            (Side::Request, Response::RequestBody(body)) | (Side::Response, Response::ResponseBody(body)) => {
                body.response.unwrap()
            }
            (_, other) => panic!("{other:?} is no answer to a body"),
        }
    }

    fn trailers(self, answer: &Response) {
        let right = match self {
            Side::Request => matches!(answer, Response::RequestTrailers(_)),
            Side::Response => matches!(answer, Response::ResponseTrailers(_)),
        };
        assert!(right, "{answer:?} is no answer to trailers");
    }
}

/// The messages of a body that comes piece by piece.
fn rendered(pieces: &[Bytes], end: End) -> Vec<ProcessingRequest> {
    let body = |body: Bytes, end_of_stream| {
        let request = Some(Request::RequestBody(HttpBody { body, end_of_stream }));
        ProcessingRequest { request, ..ProcessingRequest::default() }
    };
    let last = pieces.len() - 1;
    let mut requests: Vec<_> =
        pieces.iter().enumerate().map(|(at, piece)| body(piece.clone(), at == last && end == End::Flag)).collect();
    match end {
        End::Flag => {}
        End::Empty => requests.push(body(Bytes::new(), true)),
        End::Trailers => requests.push(message("rt")),
    }
    requests
}

/// What goes on of a piece: what replaces it, or itself.
fn replaced(common: &CommonResponse, piece: Bytes) -> Bytes {
    match common.body_mutation.as_ref().and_then(|mutation| mutation.mutation.as_ref()) {
        None => piece,
        Some(Mutation::Body(body)) => body.clone(),
        Some(other) => panic!("{other:?} is not for this mode"),
    }
}
