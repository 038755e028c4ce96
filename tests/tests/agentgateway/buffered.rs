//! Buffered and partly buffered request bodies.

use crate::{
    CAREFUL, PLAIN, careful, carry, chat,
    gateway::{Broken, Call, Trailers, Upload},
    headers,
    policy::{Body, Policy, Send},
    post,
};
use bytes::Bytes;
use serde_json::json;

const BUFFERED: Policy = Policy::new(Body::Buffered, Body::None);

fn chunked(trailers: Trailers) -> Call {
    let body = chat("auto", CAREFUL);
    let pieces = vec![body.slice(..20), body.slice(20..)];
    Call { upload: Upload::Chunked(pieces, trailers), ..careful() }
}

#[tokio::test]
async fn headers_are_answered_before_the_body_comes() {
    let done = carry(BUFFERED, careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB >SH <SH");
    done.went_to("large");
}

/// The router of these tests may take longer for a decision than gateways wait, and says so; this one does not care.
#[tokio::test]
async fn a_message_that_only_asks_for_time_is_ignored() {
    assert_eq!(carry(BUFFERED, careful()).await.unwrap().ignored, 1);
    assert_eq!(carry(Policy::new(Body::Duplex, Body::None), careful()).await.unwrap().ignored, 0);
}

#[tokio::test]
async fn the_rewritten_length_is_declared() {
    let done = carry(BUFFERED, careful()).await.unwrap();
    let (fields, body) = done.upstream.unwrap();
    assert_ne!(body, chat("auto", CAREFUL));
    assert_eq!(headers::get(&fields, "content-length"), Some(&*body.len().to_string()));
}

#[tokio::test]
async fn an_upload_without_a_length_gets_the_right_one() {
    let done = carry(BUFFERED, chunked(Trailers::None)).await.unwrap();
    done.went_to("large");
}

#[tokio::test]
async fn the_decision_edits_the_body() {
    let done = carry(BUFFERED, careful()).await.unwrap();
    let body = done.json();
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Work it out."}));
    assert_eq!(body["messages"][1]["content"], CAREFUL);
    assert_eq!(body["chat_template_kwargs"], json!({"enable_thinking": true}));
}

#[tokio::test]
async fn without_a_decision_the_default_model_gets_it() {
    carry(BUFFERED, post(chat("auto", PLAIN))).await.unwrap().went_to("small");
}

#[tokio::test]
async fn a_pinned_model_keeps_its_bytes() {
    let body = Bytes::from_static(
        b"{ \"model\" :\"large\",\n\"messages\":[ {\"role\":\"user\",\"content\":\"think carefully\"} ] }",
    );
    let done = carry(BUFFERED, post(body.clone())).await.unwrap();
    done.went_to("large");
    assert_eq!(done.upstream.unwrap().1, body);
}

#[tokio::test]
async fn trailers_end_a_body_without_end_flag() {
    let done = carry(BUFFERED, chunked(Trailers::Some)).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB >RT <RB <RT >SH <SH");
    done.went_to("large");
}

#[tokio::test]
async fn an_end_flag_in_a_message_of_its_own_changes_nothing() {
    let policy = Policy { end_apart: true, ..BUFFERED };
    for call in [careful(), post(chat("auto", PLAIN)), post(chat("large", PLAIN))] {
        let done = carry(policy, call).await.unwrap();
        assert!(done.log().starts_with(">RH <RH >RB >RB* <RB"), "{}", done.log());
        assert!(["small", "large"].contains(&done.route.unwrap().as_str()));
    }
}

#[tokio::test]
async fn a_request_without_a_body_gets_no_body_phase() {
    let get = Call { method: "GET", path: "/v1/models", ..post(Bytes::new()) };
    for policy in [BUFFERED, Policy::new(Body::Partial, Body::None), Policy::new(Body::Duplex, Body::None)] {
        let done = carry(policy, get.clone()).await.unwrap();
        assert!(done.log().starts_with(">RH* <RH >SH"), "{}", done.log());
        assert_eq!(done.route, None);
    }
}

#[tokio::test]
async fn a_call_without_a_body_is_refused() {
    let done = carry(BUFFERED, post(Bytes::new())).await.unwrap();
    assert_eq!((done.log(), done.immediate().0), (">RH* <immediate".to_owned(), 400));
}

#[tokio::test]
async fn other_paths_pass_with_their_bytes() {
    let body = Bytes::from_static(b"not json at all");
    for mode in [Body::Buffered, Body::Partial, Body::Duplex, Body::None] {
        let call = Call { path: "/upload", ..post(body.clone()) };
        let done = carry(Policy::new(mode, Body::None), call).await.unwrap();
        assert_eq!(done.upstream.unwrap().1, body, "{mode:?}");
    }
}

#[tokio::test]
async fn a_body_of_five_megabytes_is_one_message() {
    let text = format!("{CAREFUL} {}", "x".repeat(5_000_000));
    let policy = Policy { buffer: 8 << 20, ..BUFFERED };
    let done = carry(policy, post(chat("auto", &text))).await.unwrap();
    // Where it goes depends on how fast the machine reads so much.
    done.went_to(&done.route.clone().unwrap());
    assert!(done.upstream.unwrap().1.len() > 5_000_000);
}

#[tokio::test]
async fn a_body_over_the_gateways_limit_fails_there_and_not_here() {
    let text = "x".repeat(3 << 20);
    let broken = carry(BUFFERED, post(chat("auto", &text))).await.unwrap_err();
    assert!(matches!(broken, Broken::Fails(_)), "{broken:?}");
    carry(BUFFERED, careful()).await.unwrap().went_to("large");
}

#[tokio::test]
async fn a_partial_body_that_is_whole_is_decided() {
    let done = carry(Policy::new(Body::Partial, Body::Partial), careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB >SH <SH >SB* <SB");
    done.went_to("large");
}

#[tokio::test]
async fn a_part_of_a_body_passes_with_all_its_bytes() {
    let body = chat("auto", &format!("{CAREFUL} {}", "x".repeat(3 << 20)));
    let done = carry(Policy::new(Body::Partial, Body::None), post(body.clone())).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB <RB >SH <SH");
    assert_eq!(done.upstream.unwrap().1, body);
    assert_eq!(done.route, None);
}

#[tokio::test]
async fn without_request_headers_the_body_is_still_rewritten() {
    let policy = Policy { request_headers: Send::Skip, ..BUFFERED };
    let done = carry(policy, careful()).await.unwrap();
    assert_eq!(done.log(), ">RB* <RB >SH <SH");
    assert_eq!(done.json()["model"], "large");
}

#[tokio::test]
async fn no_body_at_all_passes() {
    let done = carry(Policy::new(Body::None, Body::None), careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >SH <SH");
    assert_eq!(done.upstream.unwrap().1, chat("auto", CAREFUL));
}
