//! The heartbeat that lets the host take control back from a running guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a running guest is asked whether its time is up.
const TICK: Duration = Duration::from_millis(1);

/// How often it is looked whether a guest runs. Most calls are over long before; one that is not finds the clock at its
/// side before any deadline has come that is worth setting.
const LOOK: Duration = Duration::from_millis(4);

/// How many looks find no call before the thread sleeps. Waking it costs a system call, which under steady traffic should
/// not be part of a request.
const LINGER: u32 = 25;

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
}

/// A thread that advances the epoch every millisecond while a call lasts.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: wasmtime::EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("guest-epoch".to_owned()).spawn(move || tick(&theirs, &engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Marks a call as under way until the answer is dropped.
    pub(crate) fn call(&self) -> InFlight<'_> {
        // Sequential consistency on both words: either the thread sees the call before it sleeps, or the call sees the
        // sleeper.
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        InFlight(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The thread runs nothing that can panic, and there is nobody to tell.
            drop(thread.join());
        }
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(shared: &Shared, engine: &wasmtime::EngineWeak) {
    let mut idle = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        let called = shared.calls.load(Ordering::SeqCst) > 0;
        idle = if called { 0 } else { idle + 1 };
        if idle > LINGER {
            sleep_until_called(shared);
            idle = 0;
        }
        thread::park_timeout(if called { TICK } else { LOOK });
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
    }
}

fn sleep_until_called(shared: &Shared) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.calls.load(Ordering::SeqCst) == 0 && !shared.stop.load(Ordering::SeqCst) {
        thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}
