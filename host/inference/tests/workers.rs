//! The workers around an embedder that waits for the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    num::NonZeroUsize,
    pin::Pin,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Waker},
    time::{Duration, Instant},
};
use trackside_inference::{Counts, EmbedError, Embedder, Embedding, Fingerprint, Limits, Workers};

/// Announces every text it begins and ends only when allowed to.
struct Gate {
    fingerprint: Fingerprint,
    began: Mutex<Sender<String>>,
    go_on: Mutex<Receiver<()>>,
}

impl Embedder for Gate {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        2
    }

    fn embed(&self, text: &str) -> Result<Embedding, EmbedError> {
        self.began.lock().unwrap().send(text.to_owned()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        assert_ne!(text, "panic");
        Embedding::normalise(vec![text.len() as f32, 0.0])
    }
}

/// The test's end of the gate.
struct Keeper {
    began: Receiver<String>,
    go_on: Sender<()>,
}

impl Keeper {
    fn next(&self) -> String {
        self.began.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    fn let_go(&self) {
        self.go_on.send(()).unwrap();
    }
}

fn gate() -> (Arc<Gate>, Keeper) {
    let (began_sender, began) = channel();
    let (go_on, go_on_receiver) = channel();
    let fingerprint = Fingerprint::of(&[b"gate"]);
    let gate = Gate { fingerprint, began: Mutex::new(began_sender), go_on: Mutex::new(go_on_receiver) };
    (Arc::new(gate), Keeper { began, go_on })
}

fn one_worker(waiting: usize) -> (Workers, Keeper) {
    let (gate, keeper) = gate();
    (Workers::start(gate, Limits { threads: NonZeroUsize::MIN, waiting }).unwrap(), keeper)
}

fn in_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

/// Puts the text into the queue.
fn begin<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    future
}

#[tokio::test]
async fn texts_are_embedded_in_order() {
    let (workers, keeper) = one_worker(8);
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
    let workers = Workers::start(gate, Limits { threads: NonZeroUsize::new(3).unwrap(), waiting: 3 }).unwrap();
    let tasks = ["a", "b", "c"].map(|text| begin(workers.embed(text, in_ms(10_000))));
    let mut begun = [keeper.next(), keeper.next(), keeper.next()];
    begun.sort();
    assert_eq!(begun, ["a", "b", "c"]);
    for task in tasks {
        keeper.let_go();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_unless_nobody_waits_for_what_is_in_it() {
    let (workers, keeper) = one_worker(1);
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
    let (workers, keeper) = one_worker(1);
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
    let (workers, keeper) = one_worker(8);
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
    let (workers, _keeper) = one_worker(8);
    assert!(matches!(workers.embed("a", Instant::now()).await, Err(EmbedError::DeadlineExceeded)));
    assert_eq!(workers.counts(), Counts::default());
}

#[tokio::test]
async fn a_text_that_nobody_waits_for_is_skipped() {
    let (workers, keeper) = one_worker(8);
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
    let (workers, keeper) = one_worker(8);
    for (text, fails) in [("panic", true), ("calm", false)] {
        keeper.let_go();
        let answer = workers.embed(text, in_ms(10_000)).await;
        assert_eq!(matches!(answer, Err(EmbedError::Panicked)), fails, "{answer:?}");
    }
}

#[tokio::test]
async fn dropping_ends_the_threads_and_what_waits() {
    let (gate, keeper) = gate();
    let workers = Workers::start(Arc::<Gate>::clone(&gate), Limits { threads: NonZeroUsize::MIN, waiting: 8 }).unwrap();
    let running = begin(workers.embed("running", in_ms(10_000)));
    assert_eq!(keeper.next(), "running");
    drop((running, begin(workers.embed("waiting", in_ms(10_000)))));
    keeper.let_go();
    drop(workers);
    assert_eq!(Arc::strong_count(&gate), 1, "a thread is left");
    assert!(keeper.began.try_recv().is_err(), "a text began after the end");
}
