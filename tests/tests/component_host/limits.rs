//! Each way of misbehaving ends in its own error, in time, and the next call is served.

use crate::forge;
use crate::world::{DEADLINE, SLACK, World, ask, limits, rule};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::{CallError, ConfigureError, Limits};

/// Makes a component misbehave twice: the second call meets a fresh instance, and fails in the same way.
async fn fails(does: &str, limits: Limits) -> CallError {
    let world = Arc::new(World::default());
    let configured = world.that_within(does, limits).await;
    let start = Instant::now();
    let first = ask(&configured, "").await.unwrap_err();
    let took = start.elapsed();
    assert!(took < limits.deadline + SLACK, "{does} took {took:?}");
    assert_eq!(ask(&configured, "").await.unwrap_err(), first);
    assert_eq!(world.outcomes(), [first.outcome(); 2]);
    let counts = configured.instances();
    assert_eq!((counts.created, counts.dropped, counts.idle), (2, 2, 0), "{does}: {counts:?}");
    first
}

#[tokio::test]
async fn a_trap_is_told() {
    let error = fails("trap", limits()).await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(error.to_string().contains("unreachable"), "{error}");
}

#[tokio::test]
async fn a_panic_is_a_trap() {
    assert_eq!(fails("panic", limits()).await.outcome(), "trap");
}

#[tokio::test]
async fn deep_recursion_is_a_trap() {
    let error = fails("recurse", limits()).await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(error.to_string().contains("stack"), "{error}");
}

#[tokio::test]
async fn a_function_of_wasi_is_a_trap() {
    let error = fails("read-wasi-clock", limits()).await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(error.to_string().contains("wasi:clocks"), "{error}");
}

#[tokio::test]
async fn spinning_ends_at_the_deadline() {
    assert_eq!(fails("spin", limits()).await, CallError::Deadline { allowed: DEADLINE });
}

#[tokio::test]
async fn waiting_in_a_capability_ends_at_the_deadline() {
    let limits = Limits { deadline: Duration::from_millis(50), ..limits() };
    assert_eq!(fails("wait", limits).await, CallError::Deadline { allowed: limits.deadline });
}

#[tokio::test]
async fn allocating_ends_at_the_memory_limit() {
    let limits = Limits { deadline: Duration::from_secs(2), ..limits() };
    assert_eq!(fails("allocate", limits).await, CallError::Memory { limit_bytes: 16 << 20 });
}

#[tokio::test]
async fn an_answer_of_100_mb_does_not_reach_the_host() {
    let limits = Limits { memory_bytes: 256 << 20, deadline: Duration::from_secs(5), ..limits() };
    assert_eq!(fails("answer-much", limits).await, CallError::Output { limit_bytes: 4 << 20 });
}

#[tokio::test]
async fn an_argument_of_100_mb_does_not_reach_the_host() {
    let limits = Limits { memory_bytes: 256 << 20, deadline: Duration::from_secs(5), ..limits() };
    assert_eq!(fails("log-much", limits).await, CallError::Output { limit_bytes: 4 << 20 });
}

#[tokio::test]
async fn each_component_has_its_own_limits() {
    let limits = Limits { output_bytes: 1000, ..limits() };
    assert_eq!(fails("exaggerate", limits).await, CallError::Output { limit_bytes: 1000 });
    let limits = Limits { memory_bytes: 4 << 20, deadline: Duration::from_secs(2), ..crate::world::limits() };
    assert_eq!(fails("allocate", limits).await, CallError::Memory { limit_bytes: 4 << 20 });

    let world = Arc::new(World::default());
    let component = world.load(crate::world::MISBEHAVING);
    let limits = Limits { table_elements: 8, ..crate::world::limits() };
    let error = world.configure(&component, &rule("match"), &limits, None).await.unwrap_err();
    assert!(matches!(error, ConfigureError::Call { source: CallError::Tables { limit: 8 }, .. }), "{error}");
    world.configure(&component, &rule("match"), &crate::world::limits(), None).await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_none_does_not_reach_the_host() {
    let world = Arc::new(World::default());
    let component = world.load(&forge::spoiled(crate::world::MISBEHAVING));
    let configured = world.configure(&component, &rule("spoil-text"), &limits(), None).await.unwrap();
    assert_eq!(ask(&configured, "").await.unwrap_err(), CallError::Output { limit_bytes: 4 << 20 });
}

#[tokio::test]
async fn a_deed_may_wait_for_its_word() {
    let world = Arc::new(World::default());
    let component = world.load(&forge::marked(crate::world::MISBEHAVING, "call trap now"));
    let configured = world.configure(&component, &rule("match"), &limits(), None).await.unwrap();
    assert!(ask(&configured, "later").await.unwrap().is_empty());
    assert_eq!(ask(&configured, "do it now").await.unwrap_err().outcome(), "trap");
}

#[tokio::test]
async fn a_failure_is_passed_on_and_keeps_the_instance() {
    let world = Arc::new(World::default());
    let configured = world.that("fail").await;
    for _ in 0..3 {
        let error = ask(&configured, "").await.unwrap_err();
        let expected = CallError::Failure { kind: "internal".into(), message: "it did not work out".into() };
        assert_eq!(error, expected);
    }
    assert_eq!(world.outcomes(), ["failure"; 3]);
    assert_eq!((configured.instances().created, configured.instances().dropped), (1, 0));
}

#[tokio::test]
async fn an_instance_that_has_grown_too_large_is_replaced() {
    let world = Arc::new(World::default());
    let configured = world.that("hoard").await;
    for _ in 0..3 {
        ask(&configured, "").await.unwrap();
    }
    assert_eq!((configured.instances().created, configured.instances().dropped), (3, 3));
}

#[tokio::test]
async fn the_callers_deadline_comes_first() {
    let configured = Arc::new(World::default()).that("spin").await;
    let start = Instant::now();
    let (request, head) = (crate::world::request(""), crate::world::head(""));
    let error = configured.evaluate(&request, &head, start + Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.outcome(), "deadline");
    assert!(start.elapsed() < DEADLINE, "took {:?}", start.elapsed());
}

#[tokio::test]
async fn a_spinning_guest_leaves_time_to_its_neighbours() {
    let configured = Arc::new(World::default()).that("spin").await;
    let mut beats = 0;
    let spinning = ask(&configured, "");
    tokio::pin!(spinning);
    loop {
        tokio::select! {
            biased;
            ended = &mut spinning => { assert!(ended.is_err()); break }
            () = tokio::time::sleep(Duration::from_millis(2)) => beats += 1,
        }
    }
    assert!(beats >= 10, "a timer of 2 ms fired {beats} times in {DEADLINE:?} on the same thread");
}

#[tokio::test]
async fn misbehaving_in_configure_refuses_the_configuration() {
    let world = Arc::new(World::default());
    let component = world.load(crate::world::MISBEHAVING);
    let limits = Limits { configure_deadline: Duration::from_millis(300), ..limits() };
    let refusal = async |does| world.configure(&component, &rule(does), &limits, None).await.unwrap_err();

    let spun = refusal("spin-in-configure").await;
    assert!(matches!(spun, ConfigureError::Call { source: CallError::Deadline { .. }, .. }), "{spun:?}");
    let trapped = refusal("trap-in-configure").await;
    assert!(matches!(trapped, ConfigureError::Call { source: CallError::Trap { .. }, .. }), "{trapped:?}");
    assert_eq!(
        refusal("refuse").await.to_string(),
        "component \"misbehaving\" refuses its settings: no settings are good enough"
    );
    let unknown = refusal("no-such-deed").await;
    assert!(matches!(&unknown, ConfigureError::Refused { kind, .. } if kind == "invalid-settings"), "{unknown:?}");
}

#[tokio::test]
async fn two_hundred_bad_calls_leave_no_memory_behind() {
    let world = Arc::new(World::default());
    let component = world.load(crate::world::MISBEHAVING);
    let limits = Limits { deadline: Duration::from_secs(2), ..limits() };
    let trap = world.configure(&component, &rule("trap"), &limits, None).await.unwrap();
    let allocate = world.configure(&component, &rule("allocate"), &limits, None).await.unwrap();
    for _ in 0..20 {
        ask(&trap, "").await.unwrap_err();
        ask(&allocate, "").await.unwrap_err();
    }
    let before = resident_bytes();
    for _ in 0..100 {
        ask(&trap, "").await.unwrap_err();
        ask(&allocate, "").await.unwrap_err();
    }
    let grown = resident_bytes().saturating_sub(before);
    // 100 leaked instances of the second kind alone would hold 1.6 GB; other tests run beside this one.
    assert!(grown < 400 << 20, "200 bad calls left {grown} bytes");
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
