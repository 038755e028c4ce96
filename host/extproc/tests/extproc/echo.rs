//! Duplex bodies, cut in any way: the bytes are the same, or those of the decision, and end exactly once.

use crate::{script::message, stand_in::Running};
use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestRunner};
use tokio_stream::iter;
use trackside_extproc::{
    Limits,
    proto::{
        BodySendMode, HttpBody, ProcessingRequest, ProtocolConfiguration, StreamedBodyResponse,
        body_mutation::Mutation, processing_request::Request, processing_response::Response,
    },
};

/// How a body ends: with a flag on its last piece, with an empty piece, or with trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Flag,
    Empty,
    Trailers,
}

#[derive(Clone, Debug)]
struct Body {
    word: &'static str,
    pieces: Vec<Vec<u8>>,
    end: End,
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn messages(&self, head: &str) -> Vec<ProcessingRequest> {
        let mut messages = vec![message(head)];
        messages.extend(self.pieces.iter().enumerate().map(|(i, piece)| {
            let last = i + 1 == self.pieces.len() && self.end == End::Flag;
            let body = HttpBody { body: Bytes::from(piece.clone()), end_of_stream: last };
            ProcessingRequest { request: Some(Request::RequestBody(body)), ..ProcessingRequest::default() }
        }));
        match self.end {
            End::Flag => {}
            End::Empty => messages.push(message("rb*")),
            End::Trailers => messages.push(message("rt")),
        }
        let duplex = BodySendMode::FullDuplexStreamed.into();
        messages[0].protocol_config =
            Some(ProtocolConfiguration { request_body_mode: duplex, response_body_mode: duplex, ..Default::default() });
        messages
    }
}

fn body() -> impl Strategy<Value = Body> {
    let sizes = prop::collection::vec(prop_oneof![0usize..300, 50_000usize..140_000], 0..6);
    let end = prop_oneof![Just(End::Flag), Just(End::Empty), Just(End::Trailers)];
    (prop_oneof![Just("auto"), Just("pass")], sizes, end).prop_map(|(word, sizes, end)| {
        let first = format!("{word} ").into_bytes();
        let rest = sizes.iter().enumerate().map(|(i, size)| (0..*size).map(|at| (at * 31 + i) as u8).collect());
        Body { word, pieces: std::iter::once(first).chain(rest).collect(), end }
    })
}

#[test]
fn any_cut_gives_the_same_bytes_and_one_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Running::start(Limits::default()));
    let cases = proptest::test_runner::Config { cases: 64, ..Default::default() };
    let check = |body: Body| {
        for head in ["rh", "rh other"] {
            let expected = match (head, body.word) {
                ("rh", "auto") => [b"chosen", &body.bytes()[4..]].concat(),
                _ => body.bytes(),
            };
            let answers = runtime.block_on(exchange(&server, body.messages(head)));
            let trailers = answers.iter().filter(|answer| matches!(answer, Response::RequestTrailers(_))).count();
            let pieces: Vec<_> = answers.iter().filter_map(piece).collect();
            prop_assert!(matches!(answers[0], Response::RequestHeaders(_)), "headers come first");
            prop_assert_eq!(answers.len(), 1 + pieces.len() + trailers);
            prop_assert!(pieces.iter().map(|piece| &piece.body[..]).collect::<Vec<_>>().concat() == expected);
            prop_assert!(pieces.iter().all(|piece| piece.body.len() <= 62_000));
            if body.end == End::Trailers {
                prop_assert!(pieces.iter().all(|piece| !piece.end_of_stream), "trailers are the end");
                prop_assert!(matches!(answers.last(), Some(Response::RequestTrailers(_))));
            } else {
                let ends = pieces.iter().filter(|piece| piece.end_of_stream).count();
                prop_assert_eq!((ends, trailers), (1, 0));
                prop_assert!(pieces.last().unwrap().end_of_stream);
            }
        }
        Ok(())
    };
    TestRunner::new(cases).run(&body(), check).unwrap();
}

async fn exchange(server: &Running, messages: Vec<ProcessingRequest>) -> Vec<Response> {
    let mut answers = server.client().await.process(iter(messages)).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        all.extend(answer.response);
    }
    all
}

fn piece(answer: &Response) -> Option<&StreamedBodyResponse> {
    let Response::RequestBody(body) = answer else { return None };
    match body.response.as_ref()?.body_mutation.as_ref()?.mutation.as_ref()? {
        Mutation::StreamedResponse(piece) => Some(piece),
        Mutation::Body(_) | Mutation::ClearBody(_) => None,
    }
}
