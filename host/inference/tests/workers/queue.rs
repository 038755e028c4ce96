//! The queue and its deadlines, with nothing remembered.

use crate::gate::{Gate, begin, gate, in_ms, one_worker};
use std::{num::NonZeroUsize, sync::Arc, time::Instant};
use trackside_inference::{Counts, EmbedError, Limits, Workers};

#[tokio::test]
async fn texts_are_embedded_in_order() {
    let (workers, keeper) = one_worker(8, 0);
    let (a, bb) = (begin(workers.embed("a", in_ms(10_000))), begin(workers.embed("bb", in_ms(10_000))));
    assert_eq!(keeper.next(), "a");
    assert_eq!(workers.counts(), Counts { waiting: 1, queued: 2, ..Counts::default() });
    keeper.let_go();
    assert_eq!(keeper.next(), "bb");
    keeper.let_go();
    assert_eq!(a.await.unwrap().as_slice(), [1.0, 0.0]);
    bb.await.unwrap();
    assert_eq!(workers.counts(), Counts { queued: 2, done: 2, ..Counts::default() });
}

#[tokio::test]
async fn every_thread_embeds() {
    let (gate, keeper) = gate();
    let workers =
        Workers::start(gate, Limits { threads: NonZeroUsize::new(3).unwrap(), waiting: 3, memo_bytes: 0 }).unwrap();
    let tasks = ["a", "b", "c"].map(|text| begin(workers.embed(text, in_ms(10_000))));
    let mut begun = [keeper.next(), keeper.next(), keeper.next()];
    begun.sort();
    assert_eq!(begun, ["a", "b", "c"]);
    // Which thread goes first is the system's choice.
    tasks.iter().for_each(|_| keeper.let_go());
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_unless_nobody_waits_for_what_is_in_it() {
    let (workers, keeper) = one_worker(1, 0);
    let _a = begin(workers.embed("a", in_ms(10_000)));
    assert_eq!(keeper.next(), "a");
    let b = begin(workers.embed("b", in_ms(10_000)));
    assert!(matches!(workers.embed("c", in_ms(10_000)).await, Err(EmbedError::Overloaded { waiting: 1 })));
    drop(b);
    let d = begin(workers.embed("d", in_ms(10_000)));
    keeper.let_go();
    assert_eq!(keeper.next(), "d");
    keeper.let_go();
    d.await.unwrap();
    assert_eq!(workers.counts(), Counts { queued: 3, done: 2, abandoned: 1, refused: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_a_pass() {
    let (workers, keeper) = one_worker(1, 0);
    let slow = begin(workers.embed("slow", in_ms(20)));
    assert_eq!(keeper.next(), "slow");
    assert!(matches!(slow.await, Err(EmbedError::DeadlineExceeded)));
    keeper.let_go();
    let next = begin(workers.embed("next", in_ms(10_000)));
    keeper.let_go();
    next.await.unwrap();
    assert_eq!(workers.counts().done, 2);
}

#[tokio::test]
async fn a_text_whose_deadline_passes_in_the_queue_is_skipped() {
    let (workers, keeper) = one_worker(8, 0);
    let a = begin(workers.embed("a", in_ms(10_000)));
    assert_eq!(keeper.next(), "a");
    assert!(matches!(workers.embed("late", in_ms(20)).await, Err(EmbedError::DeadlineExceeded)));
    let b = begin(workers.embed("b", in_ms(10_000)));
    keeper.let_go();
    assert_eq!(keeper.next(), "b");
    keeper.let_go();
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(workers.counts(), Counts { queued: 3, done: 2, expired: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_deadline_in_the_past_takes_no_place() {
    let (workers, _keeper) = one_worker(8, 0);
    assert!(matches!(workers.embed("a", Instant::now()).await, Err(EmbedError::DeadlineExceeded)));
    assert_eq!(workers.counts(), Counts::default());
}

#[tokio::test]
async fn a_text_that_nobody_waits_for_is_skipped() {
    let (workers, keeper) = one_worker(8, 0);
    let a = begin(workers.embed("a", in_ms(10_000)));
    assert_eq!(keeper.next(), "a");
    drop(begin(workers.embed("gone", in_ms(10_000))));
    let b = begin(workers.embed("b", in_ms(10_000)));
    keeper.let_go();
    assert_eq!(keeper.next(), "b");
    keeper.let_go();
    a.await.unwrap();
    b.await.unwrap();
    assert_eq!(workers.counts(), Counts { queued: 3, done: 2, abandoned: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_panic_costs_one_text() {
    let (workers, keeper) = one_worker(8, 0);
    for (text, fails) in [("panic", true), ("calm", false)] {
        keeper.let_go();
        let answer = workers.embed(text, in_ms(10_000)).await;
        assert_eq!(matches!(answer, Err(EmbedError::Panicked)), fails, "{answer:?}");
    }
}

#[tokio::test]
async fn dropping_ends_the_threads_and_what_waits() {
    let (gate, keeper) = gate();
    let workers =
        Workers::start(Arc::<Gate>::clone(&gate), Limits { threads: NonZeroUsize::MIN, waiting: 8, memo_bytes: 0 })
            .unwrap();
    let running = begin(workers.embed("running", in_ms(10_000)));
    assert_eq!(keeper.next(), "running");
    drop((running, begin(workers.embed("waiting", in_ms(10_000)))));
    keeper.let_go();
    drop(workers);
    assert_eq!(Arc::strong_count(&gate), 1, "a thread is left");
    assert!(keeper.began.try_recv().is_err(), "a text began after the end");
}
