//! Users that go away, and what the stream may never do.

use crate::{
    careful, carry, chat, gateway,
    headers::{fields, map},
    policy::{Body, Policy},
    router,
    wire::Stream,
};
use bytes::Bytes;
use tonic::Code;
use trackside_extproc::proto::{
    HttpBody, HttpHeaders, ProcessingRequest, processing_request::Request, processing_response::Response,
};

fn head() -> ProcessingRequest {
    let headers =
        fields(&[("content-type", "application/json"), (":method", "POST"), (":path", "/v1/chat/completions")]);
    let headers = HttpHeaders { headers: Some(map(&headers)), end_of_stream: false };
    ProcessingRequest { request: Some(Request::RequestHeaders(headers)), ..ProcessingRequest::default() }
}

fn body(bytes: Bytes, end_of_stream: bool) -> ProcessingRequest {
    let body = HttpBody { body: bytes, end_of_stream };
    ProcessingRequest { request: Some(Request::RequestBody(body)), ..ProcessingRequest::default() }
}

async fn stream(policy: Policy) -> Stream {
    let mut stream = Stream::open(gateway(policy).await.client.clone(), &[]);
    stream.send(ProcessingRequest { protocol_config: Some(policy.told()), ..head() });
    stream
}

/// A user that leaves is only seen as a half-close. Nothing is answered, and the stream does not end well: to end well is
/// to let a request pass.
#[tokio::test]
async fn a_user_that_leaves_before_the_body_is_complete_gets_no_answer() {
    let mut buffered = stream(Policy::new(Body::Buffered, Body::None)).await;
    buffered.next("an answer to the headers").await.unwrap();
    assert_eq!(buffered.abandon().await.unwrap_err().code(), Code::Cancelled);

    let mut duplex = stream(Policy::new(Body::Duplex, Body::None)).await;
    duplex.send(body(chat("auto", "half").slice(..20), false));
    assert_eq!(duplex.abandon().await.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_user_that_leaves_behind_the_request_ends_the_stream_well() {
    let mut stream = stream(Policy::new(Body::Buffered, Body::Buffered)).await;
    stream.next("an answer to the headers").await.unwrap();
    stream.send(body(chat("auto", "whole"), true));
    stream.next("an answer to the body").await.unwrap();
    stream.half_close().await.unwrap();
}

#[tokio::test]
async fn a_half_close_behind_a_complete_request_still_gets_its_answers() {
    let mut stream = stream(Policy::new(Body::Duplex, Body::None)).await;
    stream.send(body(chat("auto", "whole"), true));
    let first = stream.abandon().await.unwrap().expect("an answer");
    assert!(matches!(first.response, Some(Response::RequestHeaders(_))), "{first:?}");
}

#[tokio::test]
async fn streams_that_were_left_hold_nothing() {
    let metrics = router().await;
    for _ in 0..50 {
        let mut left = stream(Policy::new(Body::Duplex, Body::None)).await;
        left.send(body(chat("auto", "half").slice(..20), false));
        drop(left);
    }
    metrics.until("trackside_extproc_body_held_bytes", &[], |bytes| bytes == 0.0).await;
    carry(Policy::new(Body::Duplex, Body::None), careful()).await.unwrap().went_to("large");
}

#[tokio::test]
async fn the_first_answer_comes_with_the_streams_own_headers() {
    // A time limit of the gateway's ends with those headers, so they must not come before there is an answer.
    let gateway = gateway(Policy::new(Body::Duplex, Body::None)).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let policy = gateway.policy;
    sender.send(ProcessingRequest { protocol_config: Some(policy.told()), ..head() }).await.unwrap();
    let mut client = gateway.client.clone();
    let opened = client.process(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let mut opened = std::pin::pin!(opened);
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut opened).await;
    assert!(early.is_err(), "the stream opened although nothing was decided");
    sender.send(body(chat("auto", "whole"), true)).await.unwrap();
    let mut answers = opened.await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

#[tokio::test]
async fn no_exchange_ends_in_an_error_of_the_stream() {
    for request in [Body::None, Body::Buffered, Body::Partial, Body::Duplex] {
        for response in [Body::None, Body::Buffered, Body::Partial, Body::Duplex] {
            let done = carry(Policy::new(request, response), careful()).await;
            done.unwrap_or_else(|broken| panic!("{request:?} {response:?}: {broken:?}"));
        }
    }
}
