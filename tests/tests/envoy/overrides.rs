//! Asking for fewer phases, where it is allowed and where it is ignored.

use crate::{BRIEF, THINKING, ask};
use trackside_tests::{Message, Stage, Way, scrape::metric};

/// Messages that the gateway sends for one exchange.
async fn messages_for(stage: &Stage, way: Way, message: Message) -> u64 {
    const SENT: &str = "ext_proc.stream_msgs_sent";
    let before = stage.envoy.counter(way.mode.name, SENT);
    let exchange = stage.send(way, message).await;
    assert!([200, 400].contains(&exchange.status), "{way}: {exchange:?}");
    stage.envoy.counter(way.mode.name, SENT) - before
}

/// What the gateway sends: for a GET, for an upload that is no call, for a call, and for one that is refused.
async fn assert_messages(stage: &Stage, mode: &str, expected: [u64; 4]) {
    let way = Way::http2(mode);
    let messages =
        [Message::get("/v1/models"), Message::post("/v1/files", "x"), ask(THINKING), Message::chat("no json")];
    let mut sent = [0; 4];
    for (sent, message) in sent.iter_mut().zip(messages) {
        *sent = messages_for(stage, way, message).await;
    }
    assert_eq!(sent, expected, "{way}");
}

rows! { plain, assert_messages:
    only_what_is_needed_where_overrides_are_allowed("counted", [1, 1, 3, 2]);
    everything_where_they_are_ignored("counted_ignored", [3, 4, 4, 2]);
    everything_where_envoy_lets_nobody_override("counted_duplex", [3, 4, 4, 2]);
}

each!(plain, an_override_that_is_not_listed_changes_nothing: listed listed_duplex);
async fn an_override_that_is_not_listed_changes_nothing(stage: &Stage, way: Way) {
    for (prompt, model) in [(THINKING, "large"), (BRIEF, "s")] {
        let exchange = stage.send(way, ask(prompt)).await;
        assert_eq!(exchange.status, 200, "{way}");
        assert_eq!((exchange.seen().header("x-selected-model"), exchange.route()), (Some(model), model), "{way}");
    }
}

each!(plain, an_observed_exchange_is_left_alone: observed);
async fn an_observed_exchange_is_left_alone(stage: &Stage, way: Way) {
    let observed = || metric(&stage.trackside.metrics(), "trackside_extproc_messages_total", &[]);
    let before = observed();
    for message in [ask(THINKING), ask(THINKING).in_pieces(7, None), Message::chat("no json"), Message::get("/")] {
        let body = message.clone();
        let exchange = stage.send(way, message.with("x-selected-model", "large")).await;
        assert_eq!((exchange.status, exchange.route()), (200, "large"), "{way}");
        assert_eq!(exchange.seen().header("x-selected-model"), Some("large"), "{way}");
        if let trackside_tests::Upload::Whole(body) = &body.upload {
            assert_eq!(exchange.seen().body, body, "{way}");
        }
        assert_eq!(exchange.header("x-vsr-selected-decision"), None, "{way}");
    }
    assert!(observed() >= before + 8.0, "{way}: the exchanges were not shown");
}
