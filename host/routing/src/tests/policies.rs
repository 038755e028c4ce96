//! What happens to requests when components fail, and what is told of it.

use super::*;
use crate::record::Part;

/// The last calls and failures of a record, as words.
fn told(record: &DecisionRecord) -> (Vec<(&str, &str)>, Vec<&str>) {
    let calls = record.calls.iter().map(|call| (call.component.as_str(), call.outcome)).collect();
    (calls, record.degraded.iter().map(String::as_str).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn open_goes_on_without_and_the_breaker_then_does_not_even_ask() {
    let mut house = House::new();
    house.change(Role::Signal, "keyword", gag);
    let snapshot = house.build().await;
    for _ in 0..20 {
        let forward = ask(&snapshot, "a large one").await;
        assert_eq!(told(&forward.record), (vec![("keyword", "output")], vec!["keyword: output"]));
        assert_eq!(model(&forward.record), "small");
    }
    let debug = [("x-vsr-debug", "true")];
    let forward = ask_with(&snapshot, "a large one", &debug).await;
    assert_eq!(told(&forward.record), (vec![], vec!["keyword: breaker_open"]));
    let header = ("x-vsr-degraded".to_owned(), "keyword: breaker_open".to_owned());
    assert!(forward.response_headers.contains(&header), "{:?}", forward.response_headers);
    let breaker = report_of(&snapshot, "keyword").breaker;
    assert_eq!((breaker.state, breaker.failures, breaker.opened), ("open", 20, 1));
    for line in [
        "trackside_degraded_total{component=\"keyword\",reason=\"output\"} 20",
        "trackside_degraded_total{component=\"keyword\",reason=\"breaker_open\"} 1",
    ] {
        assert!(house.metric(line), "{line}: {}", house.metrics.encode());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_between_the_failures_keep_it_closed() {
    let mut house = House::new();
    house.change(Role::Signal, "keyword", gag);
    let snapshot = house.build().await;
    for _ in 0..30 {
        ask(&snapshot, "a large one").await;
        ask(&snapshot, "nothing").await;
        ask(&snapshot, "nothing").await;
    }
    let breaker = report_of(&snapshot, "keyword").breaker;
    assert_eq!((breaker.state, breaker.failures, breaker.opened), ("closed", 30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_refuses_whether_or_not_it_was_asked() {
    let mut house = House::new();
    house.change(Role::RequestPlugin, "header_mutation", |entry| {
        gag(entry);
        entry.on_failure = Some("closed".parse().unwrap());
    });
    let snapshot = house.build().await;
    for attempt in 0..22 {
        let Answer::Respond(reply) = snapshot.route(incoming("a large one", &[])).await else {
            panic!("attempt {attempt} was let through")
        };
        assert_eq!(reply.status, 503);
    }
    assert_eq!(report_of(&snapshot, "header_mutation").breaker.failures, 20);
    assert_eq!(model(&ask(&snapshot, "another").await.record), "small", "requests without it are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_fails_leaves_the_choice_to_the_built_in_one() {
    let mut house = House::new();
    let mut custom = entry(with_serves("selector-static", "static", "costly"));
    gag(&mut custom);
    house.registry.insert(custom);
    house.config = house.config.replace("      plugins:", "      algorithm: {type: costly}\n      plugins:");
    let snapshot = house.build().await;
    assert_eq!(report_of(&snapshot, "costly").on_failure, "fallback:static");
    for attempt in 0..25 {
        let forward = ask(&snapshot, "a large one").await;
        let calls: Vec<_> = forward.record.calls.iter().map(|call| (call.component.as_str(), call.part)).collect();
        let (active, fallback) = (("costly", Part::Active), ("static", Part::Fallback));
        let asked = if attempt < 20 { vec![active, fallback] } else { vec![fallback] };
        assert_eq!(calls[1..=asked.len()], asked, "attempt {attempt}: {calls:?}");
        assert_eq!((model(&forward.record), forward.record.algorithm.as_str()), ("large", "static"));
    }
}

/// A component that serves another type, by its description: the name stands in its data.
fn with_serves(name: &str, serves: &str, other: &str) -> Component {
    assert_eq!(serves.len(), other.len());
    let mut bytes = wasm(name).to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(serves.len()).position(|window| window == serves.as_bytes()) {
        bytes[at + found..at + found + serves.len()].copy_from_slice(other.as_bytes());
        at += found + serves.len();
    }
    load(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generation_is_stamped_on_both_legs_for_who_asks() {
    let snapshot = House::new().build().await;
    let stamp = ("x-vsr-generation".to_owned(), "7".to_owned());
    for text in ["a large one", "another"] {
        let forward = ask_with(&snapshot, text, &[("x-vsr-debug", "true")]).await;
        assert!(forward.set_headers.contains(&stamp) && forward.response_headers.contains(&stamp), "{forward:?}");
        let forward = ask(&snapshot, text).await;
        assert!(!forward.set_headers.contains(&stamp) && !forward.response_headers.contains(&stamp), "{forward:?}");
    }
    let mut unreadable = incoming("x", &[("x-vsr-debug", "true")]);
    unreadable.body = "{".into();
    let Answer::Respond(reply) = snapshot.route(unreadable).await else { panic!("it is no request") };
    assert!(reply.headers.contains(&stamp), "{reply:?}");
}
