//! Asking for other modes: honoured only where the policy allows it, and an unset body mode means none.

use crate::{
    careful, carry, completion,
    policy::{Body, Policy},
};

#[tokio::test]
async fn the_response_body_is_switched_off_where_that_is_allowed() {
    let done = carry(Policy::new(Body::Buffered, Body::Buffered).overridable(), careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB >SH <SH");
    done.went_to("large");
}

#[tokio::test]
async fn an_override_never_switches_the_request_body_off() {
    for request in [Body::Buffered, Body::Partial, Body::Duplex] {
        let done = carry(Policy::new(request, Body::Buffered).overridable(), careful()).await.unwrap();
        done.went_to("large");
    }
}

#[tokio::test]
async fn an_override_that_is_ignored_breaks_nothing() {
    for request in [Body::Buffered, Body::Partial, Body::Duplex] {
        let done = carry(Policy::new(request, Body::Buffered), careful()).await.unwrap();
        done.went_to("large");
        assert!(done.log().ends_with(">SB* <SB"), "{}", done.log());
        assert_eq!(done.answer.unwrap().1, completion().pieces[0]);
    }
}

#[tokio::test]
async fn a_body_that_is_not_shown_is_asked_for() {
    let done = carry(Policy::new(Body::None, Body::None).overridable(), careful()).await.unwrap();
    assert_eq!(done.log(), ">RH <RH >RB* <RB >SH <SH");
    done.went_to("large");
}

#[tokio::test]
async fn a_duplex_side_is_left_alone() {
    let done = carry(Policy::new(Body::Duplex, Body::Duplex).overridable(), careful()).await.unwrap();
    assert!(done.log().contains(">SB <SB"), "{}", done.log());
    done.went_to("large");
}

#[tokio::test]
async fn the_three_combinations_of_the_gateways_own_examples_work() {
    for policy in [
        Policy::new(Body::Duplex, Body::Buffered).overridable(),
        Policy::new(Body::Duplex, Body::None),
        Policy::new(Body::Buffered, Body::None),
    ] {
        let done = carry(policy, careful()).await.unwrap();
        done.went_to("large");
        assert_eq!(done.answer.unwrap().1, completion().pieces[0]);
    }
}
