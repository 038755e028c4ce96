//! Full duplex, the gateway's default: everything is sent at once, and the answer to the headers starts the upstream call.

use crate::{
    CAREFUL, careful, carry, chat, gateway,
    gateway::{Call, Trailers, Upload},
    policy::{Body, Policy, Send},
    post,
    wire::Stream,
};
use bytes::Bytes;
use trackside_extproc::proto::{
    HttpBody, HttpHeaders, ProcessingRequest, processing_request::Request, processing_response::Response,
};

const DUPLEX: Policy = Policy::new(Body::Duplex, Body::None);

fn chunked(cut: usize, trailers: Trailers) -> Call {
    let body = chat("auto", CAREFUL);
    let pieces = body.chunks(cut).map(Bytes::copy_from_slice).collect();
    Call { upload: Upload::Chunked(pieces, trailers), ..careful() }
}

#[tokio::test]
async fn headers_wait_for_the_body_and_go_first() {
    let done = carry(DUPLEX, careful()).await.unwrap();
    assert_eq!(done.log(), ">RH >RB* <RH <RB >SH <SH");
    done.went_to("large");
}

#[tokio::test]
async fn a_chunked_upload_ends_with_an_empty_message() {
    let done = carry(DUPLEX, chunked(40, Trailers::None)).await.unwrap();
    assert!(done.log().starts_with(">RH >RB >RB >RB"), "{}", done.log());
    assert!(done.log().ends_with(">RB >RB* <RH <RB >SH <SH"), "{}", done.log());
    done.went_to("large");
}

#[tokio::test]
async fn trailers_end_the_body() {
    let done = carry(DUPLEX, chunked(40, Trailers::Some)).await.unwrap();
    assert!(done.log().ends_with(">RB >RT <RH <RB <RT >SH <SH"), "{}", done.log());
    done.went_to("large");
}

#[tokio::test]
async fn every_byte_of_an_unchanged_body_goes_back() {
    for (size, cut) in [(0, 7), (70_000, 9_000), (1_500_000, 400_000)] {
        let body = chat("large", &"x".repeat(size));
        let pieces = body.chunks(cut).map(Bytes::copy_from_slice).collect();
        for upload in [Upload::Sized(body.clone()), Upload::Chunked(pieces, Trailers::None)] {
            let done = carry(DUPLEX, Call { upload, ..careful() }).await.unwrap();
            assert_eq!(done.upstream.unwrap().1, body, "{size} bytes");
        }
    }
}

#[tokio::test]
async fn a_long_body_goes_back_in_pieces_that_gateways_take() {
    let done = carry(DUPLEX, post(chat("auto", &format!("{CAREFUL} {}", "x".repeat(1_000_000))))).await.unwrap();
    assert!(done.log.iter().filter(|line| *line == "<RB").count() >= 1_000_000 / 65_536);
    done.went_to("large");
}

#[tokio::test]
async fn other_paths_are_echoed_byte_for_byte() {
    for trailers in [Trailers::None, Trailers::Some] {
        let call = Call { path: "/v1/embeddings", ..chunked(11, trailers) };
        let done = carry(DUPLEX, call).await.unwrap();
        assert_eq!(done.upstream.unwrap().1, chat("auto", CAREFUL), "{trailers:?}");
    }
}

#[tokio::test]
async fn a_refusal_comes_instead_of_the_headers() {
    let done = carry(DUPLEX, post("{\"model\":")).await.unwrap();
    assert_eq!(done.log(), ">RH >RB* <immediate");
    assert_eq!(done.immediate().0, 400);
}

#[tokio::test]
async fn without_request_headers_the_body_alone_goes_back() {
    let done = carry(Policy { request_headers: Send::Skip, ..DUPLEX }, careful()).await.unwrap();
    assert_eq!(done.log(), ">RB* <RB >SH <SH");
    assert_eq!(done.json()["model"], "large");
}

#[tokio::test]
async fn a_body_that_stops_is_refused_since_the_gateway_would_wait_for_ever() {
    let gateway = gateway(DUPLEX).await;
    let mut stream = Stream::open(gateway.client.clone(), &[]);
    let mut headers = careful().headers;
    headers.extend(crate::fields(&[(":method", "POST"), (":path", "/v1/chat/completions")]));
    let headers = HttpHeaders { headers: Some(crate::headers::map(&headers)), end_of_stream: false };
    stream.send(ProcessingRequest {
        request: Some(Request::RequestHeaders(headers)),
        protocol_config: Some(DUPLEX.told()),
        ..ProcessingRequest::default()
    });
    let piece = HttpBody { body: Bytes::from_static(b"{\"model\":"), end_of_stream: false };
    stream.send(ProcessingRequest { request: Some(Request::RequestBody(piece)), ..ProcessingRequest::default() });
    let answer = stream.next("a refusal").await.unwrap();
    let Response::ImmediateResponse(immediate) = answer else { panic!("{answer:?}") };
    assert_eq!(immediate.status.unwrap().code, 408);
    stream.half_close().await.unwrap();
}
