//! An embedder that waits for the test.

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
use trackside_inference::{EmbedError, Embedder, Embedding, Fingerprint, Limits, Workers};

/// Announces every text it begins and ends only when allowed to.
pub(crate) struct Gate {
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
pub(crate) struct Keeper {
    pub(crate) began: Receiver<String>,
    go_on: Sender<()>,
}

impl Keeper {
    pub(crate) fn next(&self) -> String {
        self.began.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    pub(crate) fn let_go(&self) {
        self.go_on.send(()).unwrap();
    }
}

pub(crate) fn gate() -> (Arc<Gate>, Keeper) {
    let (began_sender, began) = channel();
    let (go_on, go_on_receiver) = channel();
    let fingerprint = Fingerprint::of(&[b"gate"]);
    let gate = Gate { fingerprint, began: Mutex::new(began_sender), go_on: Mutex::new(go_on_receiver) };
    (Arc::new(gate), Keeper { began, go_on })
}

pub(crate) fn one_worker(waiting: usize, memo_bytes: usize) -> (Workers, Keeper) {
    let (gate, keeper) = gate();
    (Workers::start(gate, Limits { threads: NonZeroUsize::MIN, waiting, memo_bytes }).unwrap(), keeper)
}

pub(crate) fn in_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

/// Puts the text into the queue.
pub(crate) fn begin<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    future
}
