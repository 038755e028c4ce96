//! Texts that come again.

use crate::gate::{begin, in_ms, one_worker};
use trackside_inference::{Counts, EmbedError};

const MEMO_BYTES: usize = 1 << 20;

#[tokio::test]
async fn a_text_that_comes_again_costs_no_pass_and_no_place_in_the_queue() {
    let (workers, keeper) = one_worker(1, MEMO_BYTES);
    keeper.let_go();
    let first = workers.embed("again", in_ms(10_000)).await.unwrap();
    let _busy = begin(workers.embed("busy", in_ms(10_000)));
    assert_eq!([keeper.next(), keeper.next()], ["again", "busy"]);
    let _waiting = begin(workers.embed("waiting", in_ms(10_000)));
    assert!(matches!(workers.embed("new", in_ms(10_000)).await, Err(EmbedError::Overloaded { .. })));
    let second = workers.embed("again", in_ms(10_000)).await.unwrap();
    assert_eq!(first, second);
    let counts = workers.counts();
    assert_eq!((counts.queued, counts.done, counts.memo_hits, counts.memo_misses), (3, 1, 1, 4));
    assert!((8..1_000).contains(&counts.memo_bytes), "{counts:?}");
    keeper.let_go();
    keeper.let_go();
}

#[tokio::test]
async fn callers_with_the_same_text_share_one_pass() {
    let (workers, keeper) = one_worker(1, MEMO_BYTES);
    let callers = [(); 8].map(|()| begin(workers.embed("same", in_ms(10_000))));
    assert_eq!(keeper.next(), "same");
    keeper.let_go();
    for caller in callers {
        assert_eq!(caller.await.unwrap().as_slice(), [1.0, 0.0]);
    }
    let counts = workers.counts();
    assert_eq!((counts.queued, counts.done, counts.memo_hits, counts.memo_misses), (1, 1, 7, 1));
}

#[tokio::test]
async fn when_the_first_caller_gives_up_the_next_takes_over() {
    let (workers, keeper) = one_worker(4, MEMO_BYTES);
    let gone = begin(workers.embed("same", in_ms(10_000)));
    let hasty = begin(workers.embed("same", in_ms(20)));
    let patient = begin(workers.embed("same", in_ms(10_000)));
    assert_eq!(keeper.next(), "same");
    drop(gone);
    assert!(matches!(hasty.await, Err(EmbedError::DeadlineExceeded)));
    let patient = begin(patient);
    keeper.let_go();
    keeper.let_go();
    patient.await.unwrap();
    assert_eq!(keeper.next(), "same");
}

#[tokio::test]
async fn failures_are_not_remembered() {
    let (workers, keeper) = one_worker(4, MEMO_BYTES);
    for _ in 0..2 {
        keeper.let_go();
        assert!(matches!(workers.embed("panic", in_ms(10_000)).await, Err(EmbedError::Panicked)));
    }
    assert_eq!(workers.counts(), Counts { queued: 2, done: 2, memo_misses: 2, ..Counts::default() });
}
