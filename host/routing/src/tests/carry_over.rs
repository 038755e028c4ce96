//! What a later snapshot takes over from an earlier one.

use super::*;
use crate::guarded::Guarded;

fn guarded(snapshot: &Snapshot) -> Vec<(String, Arc<Guarded>)> {
    let of = |seat: crate::seat::Seat<'_>| (seat.stage.serves.clone(), Arc::clone(&seat.stage.guarded));
    snapshot.seats().map(of).collect()
}

/// The types whose components both snapshots share.
fn shared(a: &Snapshot, b: &Snapshot) -> Vec<String> {
    let later = guarded(b);
    let kept = |one: &Arc<Guarded>| later.iter().any(|(_, other)| Arc::ptr_eq(one, other));
    guarded(a).into_iter().filter(|(_, one)| kept(one)).map(|(serves, _)| serves).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_components_are_the_same_with_their_instances() {
    let mut house = House::new();
    let first = house.build().await;
    ask(&first, "a large one").await;
    let created = report_of(&first, "keyword").instances.created;

    let second = house.build().await;
    assert_eq!(shared(&first, &second), ["keyword", "priority", "static", "header_mutation"]);
    ask(&second, "a large one").await;
    assert_eq!(report_of(&second, "keyword").instances.created, created, "no instance is made again");

    house.config = house.config.replace("[large]}", "[large, huge]}");
    let third = house.build().await;
    assert_eq!(shared(&second, &third), ["priority", "static", "header_mutation"]);
    assert_eq!(model(&ask(&third, "a huge one").await.record), "large");
    assert_eq!(model(&ask(&second, "a huge one").await.record), "small", "the earlier one goes on as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_limit_or_grant_makes_another() {
    let mut house = House::new();
    let first = house.build().await;
    house.change(Role::Signal, "keyword", |entry| entry.limits.memory_bytes *= 2);
    let second = house.build().await;
    assert!(!shared(&first, &second).contains(&"keyword".to_owned()));
    house.change(Role::Signal, "keyword", |entry| entry.component = twin("signal-keyword"));
    let third = house.build().await;
    assert!(!shared(&second, &third).contains(&"keyword".to_owned()));
    house.change(Role::Signal, "keyword", |entry| entry.on_failure = Some("closed".parse().unwrap()));
    let fourth = house.build().await;
    assert!(shared(&third, &fourth).contains(&"keyword".to_owned()), "how failures are dealt with is not its business");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_the_snapshots_that_use_it() {
    let house = House::new();
    let weak: Vec<_> = guarded(&house.build().await).iter().map(|(_, one)| Arc::downgrade(one)).collect();
    assert!(weak.iter().all(|one| one.strong_count() == 0));
    let (probed, _) = house.probe().await;
    let weak: Vec<_> = guarded(&probed).iter().map(|(_, one)| Arc::downgrade(one)).collect();
    drop(probed);
    assert!(weak.iter().all(|one| one.strong_count() == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_is_open_stays_open() {
    let mut house = House::new();
    house.change(Role::Signal, "keyword", gag);
    let first = house.build().await;
    for _ in 0..20 {
        ask(&first, "a large one").await;
    }
    let second = house.build().await;
    assert_eq!(report_of(&second, "keyword").breaker.state, "open");
    assert_eq!(ask(&second, "a large one").await.record.degraded, ["keyword: breaker_open"]);
    house.change(Role::Signal, "keyword", |entry| entry.limits.output_bytes = 1 << 20);
    let third = house.build().await;
    assert_eq!(report_of(&third, "keyword").breaker.state, "closed", "a change is a new chance");
    let gauge = |state: u8| format!("trackside_component_breaker{{component=\"keyword\"}} {state}");
    assert!(house.metric(&gauge(2)), "{}", house.metrics.encode());
    drop((first, second));
    assert!(house.metric(&gauge(0)), "a breaker that is gone is not open: {}", house.metrics.encode());
    assert_eq!(model(&ask(&third, "a large one").await.record), "large");
}
