//! What the gateway attaches, and how it opens its streams.

use crate::{
    careful, gateway,
    policy::{Body, Policy},
    router,
};
use prost_types::{Struct, Value, value::Kind};
use std::collections::BTreeMap;
use tokio::task::JoinSet;
use trackside_extproc::proto::Metadata;

fn object(name: &str, value: &str) -> Struct {
    let value = Value { kind: Some(Kind::StringValue(value.to_owned())) };
    Struct { fields: BTreeMap::from([(name.to_owned(), value)]) }
}

#[tokio::test]
async fn attributes_and_metadata_on_every_message_are_taken() {
    for mode in [Body::Buffered, Body::Duplex] {
        let mut gateway = gateway(Policy::new(mode, Body::Buffered)).await;
        gateway.beside.attributes =
            BTreeMap::from([("envoy.filters.http.ext_proc".to_owned(), object("tenant", "blue"))]);
        let filter_metadata = BTreeMap::from([("lab".to_owned(), object("user", "u1"))]);
        gateway.beside.metadata = Some(Metadata { filter_metadata });
        gateway.carry(careful(), crate::completion()).await.unwrap().went_to("large");
    }
}

#[tokio::test]
async fn initial_metadata_of_the_stream_is_taken() {
    let mut gateway = gateway(Policy::new(Body::Duplex, Body::None)).await;
    gateway.beside.initial =
        vec![("x-team", "blue"), ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
    gateway.carry(careful(), crate::completion()).await.unwrap().went_to("large");
}

#[tokio::test]
async fn a_request_id_is_not_needed() {
    let done =
        gateway(Policy::new(Body::Buffered, Body::None)).await.carry(careful(), crate::completion()).await.unwrap();
    assert!(!done.upstream.unwrap().0.iter().any(|(name, _)| name == "x-request-id"));
}

#[tokio::test]
async fn two_hundred_and_fifty_calls_at_once_are_all_decided() {
    let mut calls = JoinSet::new();
    // A connection carries a hundred streams at most.
    for connection in 0..3 {
        let gateway =
            gateway(Policy::new(if connection == 0 { Body::Buffered } else { Body::Duplex }, Body::Buffered)).await;
        for _ in 0..84 {
            let gateway = gateway.clone();
            calls.spawn(async move { gateway.carry(careful(), crate::completion()).await });
        }
    }
    let done = calls.join_all().await;
    assert_eq!(done.len(), 252);
    for done in done {
        done.unwrap().went_to("large");
    }
    router().await;
}
