//! The router ends, is killed, comes back, while requests are under way.

use crate::{BRIEF, THINKING, ask};
use bytes::Bytes;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::{join, sync::Semaphore};
use trackside_tests::{
    Answer, Message, Plan, Stage, Way,
    client::{Reply, attempt},
    mode::{FAILING, MODES},
    place,
    upstream::{CASE, EVENTS, event},
};

const STREAMS: &str = "trackside_extproc_streams";

/// A stage whose router waits this many seconds for streams under way when it is told to end.
async fn ending(grace: &str) -> Option<Stage> {
    let config = place::root().join("tests/tests/envoy/router.yaml");
    let plan = Plan::new(&config, &["large", "s"]).with_flags(["--notice", "0", "--grace", grace]);
    Stage::build(&plan.with_modes(MODES.into_iter().chain(FAILING))).await
}

/// Ways in which the response headers are shown, so that a stream lasts as long as its answer.
fn shown() -> impl Iterator<Item = Way> {
    ["closed", "buffered_streamed", "partial_both", "closed_duplex", "duplex_both", "streamed_both"]
        .into_iter()
        .flat_map(Way::both)
}

/// Requests whose answers the model server holds back.
struct Parked {
    permit: Arc<Semaphore>,
    cases: Vec<(String, Way)>,
}

impl Parked {
    fn new(stage: &Stage) -> Parked {
        let permit = Arc::new(Semaphore::new(0));
        let cases = shown().map(|way| (stage.case(way, Answer::late(&permit)), way)).collect();
        Parked { permit, cases }
    }

    async fn arrived(&self, stage: &Stage) {
        join_all(self.cases.iter().map(|(case, _)| stage.upstream.arrival(case))).await;
    }

    /// The answers, once there are all.
    async fn answers(&self, stage: &Stage) -> Vec<(Way, Reply)> {
        let answers = self.cases.iter().map(|(case, way)| async move {
            let message = ask(THINKING).with(CASE, case);
            let reply = attempt(stage.envoy.listener(way.mode.name), way.http, &message).await;
            (*way, reply.expect("the gateway answers"))
        });
        join_all(answers).await
    }

    fn release(&self) {
        self.permit.add_permits(self.cases.len());
    }
}

#[tokio::test]
async fn requests_on_their_way_pass_when_the_router_ends_before_their_answers_come() {
    let Some(stage) = ending("0").await else { return };
    let parked = Parked::new(&stage);
    let ending = async {
        parked.arrived(&stage).await;
        stage.trackside.signal("TERM");
        stage.trackside.ended().await;
        parked.release();
    };
    let (answers, ()) = join!(parked.answers(&stage), ending);
    let failed: Vec<_> =
        answers.iter().filter(|(_, reply)| reply.status != 200).map(|(way, _)| way.to_string()).collect();
    assert!(failed.is_empty(), "these failed: {failed:?}");
    for (way, reply) in answers {
        assert_eq!(reply.header("x-vsr-selected-decision"), None, "{way}");
        assert_eq!(reply.finish().await, trackside_tests::upstream::COMPLETION, "{way}");
    }
}

#[tokio::test]
async fn the_router_waits_for_the_answers_under_way_when_it_ends() {
    let Some(stage) = ending("60").await else { return };
    let parked = Parked::new(&stage);
    let ending = async {
        parked.arrived(&stage).await;
        stage.trackside.signal("TERM");
        parked.release();
    };
    let (answers, ()) = join!(parked.answers(&stage), ending);
    for (way, reply) in answers {
        assert_eq!((reply.status, reply.header("x-vsr-selected-decision")), (200, Some("thinking")), "{way}");
        reply.finish().await;
    }
    stage.trackside.ended().await;
}

#[tokio::test]
async fn a_stream_of_events_ends_whole_when_the_router_ends_meanwhile() {
    for grace in ["0", "60"] {
        let Some(stage) = ending(grace).await else { return };
        let permit = Arc::new(Semaphore::new(0));
        let ways: Vec<_> = shown().filter(|way| !way.mode.holds_answers()).collect();
        let open = ways.iter().map(|way| stage.open(*way, ask(THINKING), Answer::Events(Arc::clone(&permit))));
        let mut replies = join_all(open).await;
        for (_, reply) in &mut replies {
            assert_eq!(reply.read(event(0).len()).await, event(0));
        }
        stage.trackside.signal("TERM");
        if grace == "0" {
            stage.trackside.ended().await;
        }
        permit.add_permits(ways.len());
        let rest: Bytes = (1..=EVENTS).flat_map(event).collect();
        for (way, (_, reply)) in ways.iter().zip(replies) {
            assert_eq!(reply.finish().await, rest, "grace {grace}, {way}");
        }
        stage.trackside.ended().await;
    }
}

/// Begins an upload, lets the router end by a signal, and sends the rest: the model server must not see it.
async fn assert_undecided_fails(signal: &str) {
    for name in ["closed", "partial", "closed_duplex", "closed_streamed"] {
        let Some(stage) = ending("0").await else { return };
        stage.forgive("streams_failed");
        let way = Way::http2(name);
        let body = ask(THINKING).bytes().clone();
        let (message, feed) = Message::chat("").fed();
        let case = stage.case(way, Answer::Json);
        let message = message.with(CASE, &case);
        let ending = async {
            feed.send(body.slice(..20)).expect("the request is under way");
            stage.trackside.until(STREAMS, &[], |open| open == 1.0).await;
            stage.trackside.signal(signal);
            stage.trackside.ended().await;
            // The request may be over already.
            let _ = feed.send(body.slice(20..));
            drop(feed);
        };
        let (reply, ()) = join!(attempt(stage.envoy.listener(name), way.http, &message), ending);
        assert_eq!(reply.expect("the gateway answers").status, 500, "{way}");
        assert!(stage.upstream.take(&case).is_none(), "{way}: it went on undecided");
    }
}

#[tokio::test]
async fn a_request_that_is_not_whole_fails_when_the_router_ends() {
    assert_undecided_fails("TERM").await;
}

#[tokio::test]
async fn a_request_that_is_not_whole_fails_when_the_router_is_killed() {
    assert_undecided_fails("KILL").await;
}

#[tokio::test]
async fn a_killed_router_fails_what_waits_for_it_and_serves_again_once_it_is_back() {
    let Some(stage) = ending("0").await else { return };
    stage.forgive("streams_failed");
    let parked = Parked::new(&stage);
    let killing = async {
        parked.arrived(&stage).await;
        stage.trackside.signal("KILL");
        stage.trackside.ended().await;
        parked.release();
    };
    let (answers, ()) = join!(parked.answers(&stage), killing);
    for (way, reply) in answers {
        assert_eq!(reply.status, 500, "{way}");
    }
    let again = stage.trackside.start_again().await;
    for way in shown() {
        let exchange = stage.send(way, ask(BRIEF)).await;
        assert_eq!((exchange.status, exchange.seen().json()["model"].as_str()), (200, Some("s")), "{way}");
    }
    again.until(STREAMS, &[], |open| open == 0.0).await;
}

#[tokio::test]
async fn an_open_gateway_passes_on_what_was_decided_when_the_router_is_killed() {
    let Some(stage) = ending("0").await else { return };
    stage.forgive("streams_failed");
    let way = Way::http1("open");
    let permit = Arc::new(Semaphore::new(0));
    let case = stage.case(way, Answer::late(&permit));
    let message = ask(THINKING).with(CASE, &case);
    let killing = async {
        stage.upstream.arrival(&case).await;
        stage.trackside.signal("KILL");
        stage.trackside.ended().await;
        permit.add_permits(1);
    };
    let (reply, ()) = join!(attempt(stage.envoy.listener("open"), way.http, &message), killing);
    assert_eq!(reply.expect("the gateway answers").status, 200);
    assert_eq!(stage.upstream.take(&case).expect("it went upstream").json()["model"], "large");
}

#[tokio::test]
async fn a_new_request_is_served_while_the_router_gives_notice() {
    let config = place::root().join("tests/tests/envoy/router.yaml");
    let plan = Plan::new(&config, &["large", "s"]).with_flags(["--notice", "30", "--grace", "5"]);
    let Some(stage) = Stage::build(&plan).await else { return };
    stage.trackside.signal("TERM");
    for way in Way::both("buffered").into_iter().chain(Way::both("duplex")) {
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
    }
    // A second signal ends at once.
    stage.trackside.signal("TERM");
    stage.trackside.ended().await;
}

#[tokio::test]
async fn streams_that_clients_abandon_are_forgotten() {
    let Some(stage) = ending("0").await else { return };
    let permit = Arc::new(Semaphore::new(0));
    // Where bodies of answers are shown a stream lasts as long as they do.
    let ways: Vec<_> = ["buffered_streamed", "duplex_both", "streamed_both"].into_iter().flat_map(Way::both).collect();
    let open =
        ways.iter().cycle().take(96).map(|way| stage.open(*way, ask(THINKING), Answer::Events(Arc::clone(&permit))));
    let replies = join_all(open).await;
    stage.trackside.until(STREAMS, &[], |open| open == 96.0).await;
    drop(replies);
    stage.trackside.until(STREAMS, &[], |open| open == 0.0).await;
    for way in ways {
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
    }
}

#[tokio::test]
async fn uploads_that_clients_abandon_are_forgotten() {
    let Some(stage) = ending("0").await else { return };
    let ways = ["closed", "partial", "closed_duplex", "closed_streamed"].map(Way::http2);
    let uploads: Vec<_> = ways.iter().cycle().take(40).map(|way| (way, Message::chat("").fed())).collect();
    let mut feeds = Vec::new();
    let mut sending = Vec::new();
    for (way, (message, feed)) in uploads {
        feed.send(Bytes::from_static(b"{\"model\":")).expect("the message is there");
        feeds.push(feed);
        sending.push(Box::pin(stage.open(*way, message, Answer::Json)));
    }
    let all_open = stage.trackside.until(STREAMS, &[], |open| open == 40.0);
    tokio::select! {
        _ = join_all(sending) => panic!("half a request was answered"),
        () = all_open => {}
    }
    // What was sent is dropped with the select.
    stage.trackside.until(STREAMS, &[], |open| open == 0.0).await;
    for way in ways {
        assert_eq!(stage.send(way, ask(BRIEF)).await.status, 200, "{way}");
    }
}
