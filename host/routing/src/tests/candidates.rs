//! Components that are tried beside the active one of their type.

use super::*;
use crate::record::Part;
use crate::{ShadowReport, Share};

const ALL: Share = Share { shadow: 100.0, canary: 0.0 };

impl House {
    /// A twin of the component that serves a type, with its share of the traffic.
    fn with_candidate(name: &str, share: Share, change: impl FnOnce(&mut Entry)) -> House {
        let mut house = House::new();
        let mut candidate = entry(twin(name));
        change(&mut candidate);
        house.registry.add_candidate(candidate, share);
        house
    }
}

/// The report, once this many calls have been made beside requests.
async fn after(snapshot: &Snapshot, serves: &str, calls: u64) -> ShadowReport {
    let waiting = async {
        loop {
            let report = snapshot.shadows(serves).expect("a candidate is tried");
            if report.answers.calls + report.dropped >= calls {
                return report;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the calls are made")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_in_the_shadow_agrees_in_every_role() {
    for (name, serves, scores) in [
        ("signal-keyword", "keyword", true),
        ("selector-static", "static", true),
        ("plugin-header-mutation", "header_mutation", false),
    ] {
        let house = House::with_candidate(name, ALL, |_| {});
        let snapshot = house.build().await;
        for calls in 1..=10 {
            let forward = ask(&snapshot, "a large one").await;
            assert!(forward.record.calls.iter().all(|call| call.part == Part::Active), "{:?}", forward.record.calls);
            after(&snapshot, serves, calls).await;
        }
        let report = after(&snapshot, serves, 10).await;
        assert_eq!((report.answers.calls, report.answers.agreed, report.dropped), (10, 10, 0), "{report:?}");
        assert_eq!(report.score_difference.map(|difference| difference.greatest), scores.then_some(0.0));
        assert!(report.latency.candidate_mean_us > 0.0 && report.latency.active_mean_us > 0.0, "{report:?}");
        assert_ne!(report.active, report.candidate);
        assert_eq!(report.origin.as_deref(), Some("test"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_fails_in_the_shadow_changes_no_answer() {
    let house = House::with_candidate("signal-keyword", ALL, gag);
    let snapshot = house.build().await;
    for calls in 1..=5 {
        let forward = ask(&snapshot, "a large one").await;
        assert_eq!((model(&forward.record), forward.record.degraded.len()), ("large", 0));
        after(&snapshot, "keyword", calls).await;
    }
    let report = after(&snapshot, "keyword", 5).await;
    assert_eq!((report.answers.calls, report.errors.get("output")), (5, Some(&5)), "{report:?}");
    assert_eq!(report.answers.agreement, None);
    assert_eq!(report_of(&snapshot, "keyword").breaker.failures, 0, "the active one has not failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_at_once_are_dropped_and_counted() {
    let house = House::with_candidate("signal-keyword", ALL, |entry| entry.limits.instances = 1);
    let snapshot = Arc::new(house.build().await);
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let snapshot = Arc::clone(&snapshot);
        asking.spawn(async move { ask(&snapshot, "a large one").await });
    }
    asking.join_all().await;
    let report = after(&snapshot, "keyword", 300).await;
    assert_eq!(report.answers.calls + report.dropped, 300, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_comparison_goes_on_in_the_next_snapshot() {
    let mut house = House::with_candidate("signal-keyword", ALL, |_| {});
    let first = house.build().await;
    ask(&first, "a large one").await;
    after(&first, "keyword", 1).await;
    house.config = house.config.replace("[large]}", "[large, huge]}");
    let second = house.build().await;
    ask(&second, "a huge one").await;
    assert_eq!(after(&second, "keyword", 2).await.answers.agreed, 2);
    house.change(Role::Signal, "keyword", |entry| entry.component = with_section("signal-keyword", "other", b""));
    let third = house.build().await;
    assert_eq!(after(&third, "keyword", 0).await.answers.calls, 0, "another pair is compared anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_decides_for_its_sessions_only() {
    let house = House::with_candidate("signal-keyword", Share { shadow: 0.0, canary: 30.0 }, |_| {});
    let snapshot = house.build().await;
    let mut decided = 0;
    for session in 0..200 {
        let session = format!("session-{session}");
        let mut parts = Vec::new();
        for text in ["a large one", "one more large one"] {
            let forward = ask_with(&snapshot, text, &[("x-session-id", &session)]).await;
            assert_eq!(model(&forward.record), "large");
            parts.push(forward.record.calls[0].part);
        }
        assert_eq!(parts[0], parts[1], "{session}");
        decided += u64::from(parts[0] == Part::Candidate);
    }
    assert!((30..=90).contains(&decided), "{decided} of 200 sessions");
    let canary = snapshot.shadows("keyword").unwrap().canary;
    assert_eq!((canary.decided, canary.failed), (2 * decided, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_canary_fails_the_active_component_decides() {
    let house = House::with_candidate("signal-keyword", Share { shadow: 0.0, canary: 100.0 }, gag);
    let snapshot = house.build().await;
    for attempt in 0..25 {
        let forward = ask(&snapshot, "a large one").await;
        assert_eq!(model(&forward.record), "large");
        let reason = if attempt < 20 { "output" } else { "breaker_open" };
        assert_eq!(forward.record.degraded, [format!("keyword (candidate): {reason}")]);
        let active = forward.record.calls.iter().find(|call| call.component == "keyword").unwrap();
        assert_eq!((active.part, active.outcome), (Part::Active, "ok"));
    }
    let canary = snapshot.shadows("keyword").unwrap().canary;
    assert_eq!((canary.decided, canary.failed), (0, 25));
    let candidate = snapshot.components().into_iter().find(|component| component.part == Part::Candidate).unwrap();
    assert_eq!((candidate.breaker.state, candidate.configured), ("open", 1));
    assert_eq!(report_of(&snapshot, "keyword").shadow.unwrap().canary_percent, 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_for_nothing_has_no_effect() {
    let house = House::with_candidate("signal-language", ALL, |_| {});
    let snapshot = house.build().await;
    assert_eq!(snapshot.shadows("language"), None);
    assert!(snapshot.components().iter().all(|component| component.serves != "language"));
}
