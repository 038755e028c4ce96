//! The way back: headers, buffered answers, events.

use crate::{
    careful, carry, completion, gateway,
    gateway::Answer,
    headers::{fields, get},
    policy::{Body, Policy, Send},
};
use bytes::Bytes;

fn events() -> Answer {
    let event = |i| Bytes::from(format!("data: {{\"n\":{i}}}\n\n"));
    let pieces = (0..20).map(event).chain([Bytes::from_static(b"data: [DONE]\n\n")]).collect();
    Answer { status: "200", headers: fields(&[("content-type", "text/event-stream")]), pieces }
}

const REQUESTS: [Body; 2] = [Body::Buffered, Body::Duplex];

#[tokio::test]
async fn the_decision_is_told_on_the_answer() {
    for request in REQUESTS {
        for response in [Body::None, Body::Buffered, Body::Partial, Body::Duplex] {
            let done = carry(Policy::new(request, response), careful()).await.unwrap();
            let (fields, body) = done.answer.unwrap();
            assert_eq!(get(&fields, "x-vsr-selected-model"), Some("large"), "{request:?} {response:?}");
            assert_eq!(get(&fields, "x-vsr-selected-decision"), Some("careful"), "{request:?} {response:?}");
            assert_eq!(body, completion().pieces[0], "{request:?} {response:?}");
        }
    }
}

#[tokio::test]
async fn a_buffered_answer_keeps_its_length_and_its_bytes() {
    let done = carry(Policy::new(Body::Buffered, Body::Buffered), careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB >SH <SH >SB* <SB");
    let (fields, body) = done.answer.unwrap();
    assert_eq!(get(&fields, "content-length"), Some(&*body.len().to_string()));
}

#[tokio::test]
async fn each_event_goes_back_when_it_comes() {
    for request in REQUESTS {
        // The gateway sends the next event when the one before has gone out to its user.
        let done = gateway(Policy::new(request, Body::Duplex)).await.carry(careful(), events()).await.unwrap();
        assert!(done.log().contains(">SH <SH >SB <SB >SB <SB"), "{}", done.log());
        assert!(done.log().ends_with(">SB* <SB"), "{}", done.log());
        assert_eq!(done.answer.unwrap().1, events().pieces.concat());
    }
}

#[tokio::test]
async fn events_that_are_buffered_pass_as_one() {
    let done = gateway(Policy::new(Body::Duplex, Body::Buffered)).await.carry(careful(), events()).await.unwrap();
    assert_eq!(done.answer.unwrap().1, events().pieces.concat());
}

#[tokio::test]
async fn without_response_headers_the_body_is_still_answered() {
    for (request, response) in [(Body::Buffered, Body::Buffered), (Body::Duplex, Body::Duplex)] {
        let policy = Policy { response_headers: Send::Skip, ..Policy::new(request, response) };
        let done = carry(policy, careful()).await.unwrap();
        assert!(!done.log().contains(">SH"), "{}", done.log());
        assert_eq!(done.answer.unwrap().1, completion().pieces[0]);
    }
}

#[tokio::test]
async fn without_any_response_phase_the_stream_ends_behind_the_request() {
    let policy = Policy { response_headers: Send::Skip, ..Policy::new(Body::Buffered, Body::None) };
    let done = carry(policy, careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB");
    done.went_to("large");
}

#[tokio::test]
async fn an_error_of_the_upstream_carries_nothing_of_the_decision() {
    let failed = Answer { status: "503", ..completion() };
    let done = gateway(Policy::new(Body::Buffered, Body::None)).await.carry(careful(), failed).await.unwrap();
    assert_eq!(get(&done.answer.unwrap().0, "x-vsr-selected-model"), None);
}

#[tokio::test]
async fn an_answer_without_a_body_is_answered_by_its_headers_alone() {
    let empty = Answer { status: "204", headers: Vec::new(), pieces: Vec::new() };
    let done = gateway(Policy::new(Body::Duplex, Body::Buffered)).await.carry(careful(), empty).await.unwrap();
    assert!(done.log().ends_with(">SH* <SH"), "{}", done.log());
}

#[tokio::test]
async fn compressed_answers_pass_as_they_are() {
    let bytes = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    let headers = fields(&[("content-encoding", "gzip"), ("content-length", "13")]);
    let answer = Answer { status: "200", headers, pieces: vec![bytes.clone()] };
    for response in [Body::Buffered, Body::Duplex] {
        let done = gateway(Policy::new(Body::Buffered, response)).await.carry(careful(), answer.clone()).await.unwrap();
        assert_eq!(done.answer.unwrap().1, bytes);
    }
}
