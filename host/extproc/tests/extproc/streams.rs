//! The life of a stream, and of the server: limits, failures, ends.

use crate::{
    script::{message, refused, run, run_with},
    stand_in::{Event, Running},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use trackside_extproc::{
    Limits, MESSAGE_LIMIT, MessageKind, Outcome,
    proto::{
        BodySendMode::{Buffered, FullDuplexStreamed as Duplex, None as No},
        ProcessingRequest, ProtocolConfiguration,
    },
};

const SOON: Duration = Duration::from_secs(20);

fn small(body_bytes: usize) -> Limits {
    Limits { body_bytes, ..Limits::default() }
}

async fn outcome(server: &Running) -> Outcome {
    let events = timeout(SOON, server.seen.closed()).await.unwrap();
    let Some(Event::Closed(outcome)) = events.last() else { panic!("not closed: {events:?}") };
    *outcome
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Running::start(small(10)).await;
    let refused = format!("< {}", refused(413, "the request body is longer than 10 bytes", "request_too_large"));
    let ask = "< rh remove x-selected-model mode [1, 1][2, 0][2, 2]";
    run(&server, Some((Buffered, Buffered)), &format!("> rh\n{ask}\n> rb* auto 56789\n< rb set x-selected-model=chosen set content-length=12 reroute body <chosen 56789>\n= ok")).await;
    run(&server, Some((Buffered, Buffered)), &format!("> rh\n{ask}\n> rb* auto 567890\n{refused}\n= ok")).await;
    run(&server, Some((Duplex, No)), &format!("> rh\n> rb auto 56789\n> rb x\n{refused}\n> rb more\n> rb* more\n= ok"))
        .await;
    // What only passes is not held, and has no limit.
    run(&server, Some((Duplex, No)), "> rh other\n< rh remove x-selected-model mode [1, 2][4, 0][1, 2]\n> rb* 12345678901\n< rb piece* <12345678901>\n= ok").await;
}

#[tokio::test]
async fn a_message_over_the_limit_fails_the_stream() {
    let server = Running::start(Limits::default()).await;
    let mut large = message("rb*");
    if let Some(trackside_extproc::proto::processing_request::Request::RequestBody(body)) = &mut large.request {
        body.body = vec![b'x'; MESSAGE_LIMIT + 1].into();
    }
    let script = "> rh\n< rh remove x-selected-model mode [1, 1][2, 0][2, 2]\n> rb*\n= OutOfRange";
    run_with(&server, Some((Buffered, Buffered)), script, |message| match &message.request {
        Some(trackside_extproc::proto::processing_request::Request::RequestBody(_)) => large.clone(),
        _ => message,
    })
    .await;
    assert_eq!(outcome(&server).await, Outcome::Failed(Code::OutOfRange));
}

#[tokio::test]
async fn a_body_that_stops_coming_is_refused_where_the_gateway_waits() {
    let server = Running::start(Limits { body_pause: Duration::from_millis(50), ..Limits::default() }).await;
    let refused = format!("< {}", refused(408, "the request body did not arrive in time", "request_timeout"));
    run(&server, Some((Duplex, No)), &format!("> rh\n> rb auto\n{refused}\n> rb* late\n= ok")).await;
    assert_eq!(outcome(&server).await, Outcome::Answered);
}

#[tokio::test]
async fn a_body_mode_that_is_not_supported_fails_the_stream() {
    let server = Running::start(Limits::default()).await;
    for mode in [5, 77] {
        let script = "> rh\n= Unimplemented";
        run_with(&server, None, script, |message| ProcessingRequest {
            protocol_config: Some(ProtocolConfiguration { request_body_mode: mode, ..Default::default() }),
            ..message
        })
        .await;
    }
}

#[tokio::test]
async fn an_observed_stream_gets_no_answers() {
    let server = Running::start(Limits::default()).await;
    let script = "> rh\n> rb auto\n> rb*\n> sh 200\n> sb* x\n= ok";
    run_with(&server, None, script, |message| ProcessingRequest { observability_mode: true, ..message }).await;
    assert_eq!(outcome(&server).await, Outcome::Observed);
}

#[tokio::test]
async fn a_decision_that_panics_fails_its_stream_alone() {
    let server = Running::start(Limits::default()).await;
    let ask = "< rh remove x-selected-model mode [1, 1][2, 0][2, 2]";
    run(&server, Some((Buffered, Buffered)), &format!("> rh\n{ask}\n> rb* panic\n= Internal")).await;
    assert_eq!(outcome(&server).await, Outcome::Failed(Code::Internal));
    run(&server, Some((Duplex, Duplex)), "> rh\n> rb* panic\n= Internal").await;
    run(&server, Some((Buffered, Buffered)), &format!("> rh\n{ask}\n> rb* pass\n< rb\n= ok")).await;
}

#[tokio::test]
async fn observers_see_what_happened() {
    let server = Running::start(Limits::default()).await;
    let ask = "< rh remove x-selected-model mode [1, 1][2, 0][2, 2]";
    run(&server, Some((Buffered, Buffered)), &format!("> rh\n{ask}\n> rb* pass\n< rb\n> ?\n> sh 200\n< sh\n= ok"))
        .await;
    let seen = timeout(SOON, server.seen.closed()).await.unwrap();
    let message = Event::Message;
    assert_eq!(
        seen,
        [
            Event::Opened,
            message(MessageKind::RequestHeaders),
            message(MessageKind::RequestBody),
            Event::Decided,
            message(MessageKind::Unknown),
            message(MessageKind::ResponseHeaders),
            Event::Closed(Outcome::Completed),
        ]
    );
}

#[tokio::test]
async fn a_refused_request_counts_as_answered() {
    let server = Running::start(Limits::default()).await;
    run(
        &server,
        Some((Duplex, No)),
        "> rh\n> rb* bad\n< status 400 stand_in_refused {} set content-type=application/json\n= ok",
    )
    .await;
    assert_eq!(outcome(&server).await, Outcome::Answered);
}

#[tokio::test]
async fn a_gateway_that_resets_frees_a_waiting_decision() {
    let server = Running::start(Limits::default()).await;
    let (sender, receiver) = mpsc::channel(8);
    sender.send(message("rb* wait")).await.unwrap();
    let mut client = server.client().await;
    // Nothing is answered, not even with the response's own headers, while the decision is awaited.
    tokio::select! {
        answer = client.process(ReceiverStream::new(receiver)) => panic!("{answer:?}"),
        () = server.seen.until(&Event::Message(MessageKind::RequestBody)) => {}
    }
    assert_eq!(outcome(&server).await, Outcome::Cancelled);
}

#[tokio::test]
async fn health_is_told_until_the_end() {
    let limits = Limits { notice: Duration::from_secs(600), ..Limits::default() };
    let mut server = Running::start(limits).await;
    let mut health = HealthClient::new(server.channel().await);
    let names = ["", "envoy.service.ext_proc.v3.ExternalProcessor", "liveness", "readiness"];
    for name in names {
        let answer = health.check(HealthCheckRequest { service: name.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{name}");
    }
    let unknown = health.check(HealthCheckRequest { service: "unknown".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);

    let watched = HealthCheckRequest { service: "readiness".to_owned() };
    let mut watch = health.watch(watched).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.shutdown.take().unwrap().send(()).unwrap();
    let change = timeout(SOON, watch.message()).await.unwrap();
    assert_eq!(change.unwrap().unwrap().status(), ServingStatus::NotServing);
    // New connections are still taken while gateways move away.
    run(&server, Some((Buffered, Buffered)), "> sh 403\n< sh mode [1, 1][2, 0][2, 2]\n= ok").await;
}

#[tokio::test]
async fn shutdown_waits_for_open_streams() {
    let limits = Limits { notice: Duration::ZERO, ..Limits::default() };
    let mut server = Running::start(limits).await;
    let (sender, receiver) = mpsc::channel(8);
    sender.send(message("sh 200")).await.unwrap();
    let mut client = server.client().await;
    let mut answers = client.process(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    server.shutdown.take().unwrap().send(()).unwrap();
    sender.send(message("sb* data")).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    drop(sender);
    assert!(answers.message().await.unwrap().is_none());
    drop(client);
    timeout(SOON, server.task.join_next()).await.unwrap().unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_releases_what_needs_nothing_and_fails_what_does() {
    let limits = Limits { notice: Duration::ZERO, drain: Duration::ZERO, ..Limits::default() };
    let mut server = Running::start(limits).await;
    let (passing, receiver) = mpsc::channel(8);
    passing.send(message("sh 200")).await.unwrap();
    let mut client = server.client().await;
    let mut passing_answers = client.process(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    assert!(passing_answers.message().await.unwrap().is_some());

    let (collecting, receiver) = mpsc::channel(8);
    collecting.send(message("rh")).await.unwrap();
    let mut collecting_answers = client.process(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    assert!(collecting_answers.message().await.unwrap().is_some());

    server.shutdown.take().unwrap().send(()).unwrap();
    assert!(timeout(SOON, passing_answers.message()).await.unwrap().unwrap().is_none());
    let failed = timeout(SOON, collecting_answers.message()).await.unwrap().unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    timeout(SOON, server.task.join_next()).await.unwrap().unwrap().unwrap().unwrap();
}
