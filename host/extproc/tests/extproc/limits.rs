//! Too much at once: refused in so many words, and room again when it is over.

use crate::{
    script::{message, run},
    stand_in::{Event, Running},
};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use trackside_extproc::{
    Limits, MessageKind, Shed, Undecided,
    proto::{
        BodySendMode::{Buffered, BufferedPartial, FullDuplexStreamed as Duplex, None as No},
        ProcessingRequest, ProcessingResponse, ProtocolConfiguration,
    },
};

const SOON: Duration = Duration::from_secs(20);

const OVERLOADED: &str = r#"< status 503 trackside_overloaded {"error":{"message":"the router has too much under way","type":"server_error","param":null,"code":"overloaded"}} set content-type=application/json set x-vsr-schema-version=2 set x-vsr-response-path=error set retry-after=1"#;

/// A stream on which something was answered and that stays open as long as this lives.
struct Open {
    sender: mpsc::Sender<ProcessingRequest>,
    _answers: Streaming<ProcessingResponse>,
}

async fn open(server: &Running, first: &str) -> Open {
    let (sender, receiver) = mpsc::channel(8);
    sender.send(message(first)).await.unwrap();
    let mut answers = server.client().await.process(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    Open { sender, _answers: answers }
}

#[tokio::test]
async fn one_stream_too_many_is_refused() {
    let server = Running::start(Limits { streams: 1, ..Limits::default() }).await;
    let only = open(&server, "rh").await;
    for (modes, script) in [
        ((Buffered, No), format!("> rh\n{OVERLOADED}\n> rb* auto\n= ok")),
        ((Duplex, No), format!("> rh\n{OVERLOADED}\n= ok")),
        ((Buffered, No), format!("> rh*\n{OVERLOADED}\n= ok")),
        ((Buffered, No), format!("> rb* auto\n{OVERLOADED}\n= ok")),
    ] {
        run(&server, Some(modes), &script).await;
    }
    let shed = server.seen.all().into_iter().filter(|event| *event == Event::Shed(Shed::Streams)).count();
    assert_eq!(shed, 4);
    // What needs no decision passes.
    run(&server, Some((Buffered, No)), "> rh other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n= ok").await;
    run(&server, Some((Buffered, No)), "> sh 200\n< sh\n= ok").await;
    drop(only);
    timeout(SOON, async {
        while !server
            .seen
            .all()
            .iter()
            .any(|event| matches!(event, Event::Closed(trackside_extproc::Outcome::Cancelled)))
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    run(&server, Some((Buffered, No)), "> rh\n< rh remove x-selected-model\n> rb* pass\n< rb\n= ok").await;
}

#[tokio::test]
async fn bodies_together_are_held_up_to_the_limit() {
    let server = Running::start(Limits { held_bytes: 20, ..Limits::default() }).await;
    let (sender, receiver) = mpsc::channel(8);
    let duplex = Duplex.into();
    let config = ProtocolConfiguration { request_body_mode: duplex, response_body_mode: duplex, ..Default::default() };
    sender.send(ProcessingRequest { protocol_config: Some(config), ..message("rh") }).await.unwrap();
    sender.send(message("rb 12345678901")).await.unwrap();
    let mut client = server.client().await;
    let mut waiting = Box::pin(client.process(ReceiverStream::new(receiver)));
    tokio::select! {
        answer = &mut waiting => panic!("{answer:?}"),
        () = async { while server.seen.held.load(Ordering::SeqCst) < 11 { tokio::task::yield_now().await } } => {}
    }
    let ask = "> rh\n< rh remove x-selected-model";
    run(&server, Some((Buffered, No)), &format!("{ask}\n> rb* pass 67890\n{OVERLOADED}\n= ok")).await;
    run(&server, Some((Buffered, No)), &format!("{ask}\n> rb* pass 6789\n< rb\n= ok")).await;
    assert!(server.seen.all().contains(&Event::Shed(Shed::Bytes)));
    drop((waiting, sender));
    timeout(SOON, async {
        while server.seen.held.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect("what an abandoned stream held is free again");
    run(&server, Some((Buffered, No)), &format!("{ask}\n> rb* pass 6789012345\n< rb\n= ok")).await;
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_refused_in_every_mode() {
    let limits = Limits { body_time: Duration::from_millis(100), ..Limits::default() };
    let server = Running::start(limits).await;
    let refused = crate::script::refused(408, "the request body did not arrive in time", "request_timeout");
    let ask = "> rh\n< rh remove x-selected-model";
    run(&server, Some((Buffered, No)), &format!("{ask}\n< {refused}\n> rb* late\n= ok")).await;
    run(&server, Some((BufferedPartial, No)), &format!("{ask} reroute\n< {refused}\n= ok")).await;
    run(&server, Some((Duplex, No)), &format!("> rh\n< {refused}\n= ok")).await;
    run(&server, Some((Duplex, No)), &format!("> rb auto\n< {refused}\n= ok")).await;
}

#[tokio::test]
async fn a_body_that_is_not_shown_is_counted() {
    let server = Running::start(Limits::default()).await;
    let asked = "> rh\n< rh remove x-selected-model mode [1, 1][2, 0][2, 2]";
    run(&server, Some((No, No)), &format!("{asked}\n> sh 200\n< sh\n= ok")).await;
    run(&server, Some((No, No)), &format!("{asked}\n= ok")).await;
    run(&server, Some((No, Duplex)), "> rh\n< rh remove x-selected-model\n= ok").await;
    run(&server, Some((BufferedPartial, No)), "> rh\n< rh remove x-selected-model reroute\n> rb part\n< rb\n= ok")
        .await;
    run(&server, Some((No, No)), "> rh other\n< rh remove x-selected-model mode [1, 2][0, 0][2, 2]\n= ok").await;
    let closed = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
    timeout(SOON, async {
        while closed(&server.seen.all()) < 5 {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap();
    let count = |why| server.seen.all().iter().filter(|event| **event == Event::Undecided(why)).count();
    assert_eq!((count(Undecided::NoBody), count(Undecided::PartialBody)), (3, 1));
}

#[tokio::test]
async fn a_gateway_that_resets_frees_a_decision_within_milliseconds() {
    let server = Running::start(Limits::default()).await;
    let open = open(&server, "rh").await;
    open.sender.send(message("rb* wait")).await.unwrap();
    timeout(SOON, server.seen.until(&Event::Message(MessageKind::RequestBody))).await.unwrap();
    assert_eq!(server.seen.held.load(Ordering::SeqCst), 4);
    drop(open);
    timeout(SOON, server.seen.closed()).await.unwrap();
    assert_eq!(server.seen.held.load(Ordering::SeqCst), 0);
}
