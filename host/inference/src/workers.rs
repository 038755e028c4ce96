//! Threads that embed, behind a bounded queue.

use crate::{EmbedError, Embedder, Embedding, memo::Memo};
use std::{
    collections::VecDeque,
    fmt, io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Instant,
};
use tokio::{sync::oneshot, time::timeout_at};

/// Runs an [`Embedder`] on its own threads, one text a thread: batches gain nothing on a CPU and make texts wait for
/// each other. A text that came recently is answered from memory. Dropping it waits for the passes under way.
pub struct Workers {
    shared: Arc<Shared>,
    memo: Option<Memo>,
    threads: Vec<JoinHandle<()>>,
}

/// How many threads embed, how many texts may wait for them, and how many bytes of vectors are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub threads: NonZeroUsize,
    pub waiting: usize,
    /// 0 remembers nothing.
    pub memo_bytes: usize,
}

impl Default for Limits {
    /// One thread per core that this process may use, 64 waiting texts for each, and 8 MiB of vectors: five thousand of
    /// 384 numbers.
    fn default() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { threads, waiting: threads.get().saturating_mul(64), memo_bytes: 8 << 20 }
    }
}

/// What became of the texts so far, for metrics. All but `waiting` and `memo_bytes` only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Texts in the queue now.
    pub waiting: usize,
    /// Accepted into the queue.
    pub queued: u64,
    /// Passes that ended, with a vector or an error.
    pub done: u64,
    /// Left the queue without a pass because their deadline had passed.
    pub expired: u64,
    /// Left the queue without a pass because nobody waited any more.
    pub abandoned: u64,
    /// Refused because the queue was full.
    pub refused: u64,
    /// Answered from memory, or with the vector that another caller was waiting for.
    pub memo_hits: u64,
    /// Looked up in memory in vain.
    pub memo_misses: u64,
    /// What the remembered vectors take now.
    pub memo_bytes: u64,
}

struct Shared {
    embedder: Arc<dyn Embedder>,
    limit: usize,
    queue: Mutex<Queue>,
    wake: Condvar,
    queued: AtomicU64,
    done: AtomicU64,
    expired: AtomicU64,
    abandoned: AtomicU64,
    refused: AtomicU64,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    text: Arc<str>,
    deadline: Instant,
    reply: oneshot::Sender<Result<Embedding, EmbedError>>,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// The operating system's, when a thread cannot be started.
    pub fn start(embedder: Arc<dyn Embedder>, limits: Limits) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            embedder,
            limit: limits.waiting,
            queue: Mutex::default(),
            wake: Condvar::new(),
            queued: AtomicU64::new(0),
            done: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let embedder = &shared.embedder;
        let memo = (limits.memo_bytes > 0)
            .then(|| Memo::new(embedder.fingerprint(), embedder.dimensions(), limits.memo_bytes));
        // Built first, so that a thread that cannot be started ends those before it.
        let mut workers = Self { shared, memo, threads: Vec::with_capacity(limits.threads.get()) };
        for index in 0..limits.threads.get() {
            let shared = Arc::clone(&workers.shared);
            let name = format!("embed-{index}");
            workers.threads.push(thread::Builder::new().name(name).spawn(move || shared.work())?);
        }
        Ok(workers)
    }

    /// The embedder that the threads run.
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.shared.embedder
    }

    /// Embeds a text by the deadline, or finds its vector in memory. Dropping the future takes the text out of the queue; a
    /// pass under way ends by itself.
    ///
    /// # Errors
    /// [`EmbedError::Overloaded`] at once when the queue is full, [`EmbedError::DeadlineExceeded`] when the deadline
    /// passes first, and what [`Embedder::embed`] returns.
    pub async fn embed(&self, text: impl Into<Arc<str>>, deadline: Instant) -> Result<Embedding, EmbedError> {
        if deadline <= Instant::now() {
            return Err(EmbedError::DeadlineExceeded);
        }
        let text = text.into();
        let answer = match &self.memo {
            Some(memo) => timeout_at(deadline.into(), memo.embed(&text, self.pass(&text, deadline))).await,
            None => timeout_at(deadline.into(), self.pass(&text, deadline)).await,
        };
        answer.unwrap_or(Err(EmbedError::DeadlineExceeded))
    }

    async fn pass(&self, text: &Arc<str>, deadline: Instant) -> Result<Embedding, EmbedError> {
        let (reply, answer) = oneshot::channel();
        self.shared.push(Job { text: Arc::clone(text), deadline, reply })?;
        answer.await.unwrap_or(Err(EmbedError::Stopped))
    }

    /// What became of the texts so far.
    pub fn counts(&self) -> Counts {
        let shared = &self.shared;
        let memo = self.memo.as_ref();
        Counts {
            waiting: shared.lock().jobs.len(),
            queued: shared.queued.load(Relaxed),
            done: shared.done.load(Relaxed),
            expired: shared.expired.load(Relaxed),
            abandoned: shared.abandoned.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            memo_hits: memo.map_or(0, Memo::hits),
            memo_misses: memo.map_or(0, Memo::misses),
            memo_bytes: memo.map_or(0, Memo::bytes),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches panics, and has nobody left to tell about one here.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads.len()).field("counts", &self.counts()).finish()
    }
}

impl Shared {
    /// Nothing under this lock can panic half-way, so a poisoned queue is still whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), EmbedError> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.limit {
            // Texts that nobody waits for must not keep others out.
            let before = queue.jobs.len();
            queue.jobs.retain(|job| !job.reply.is_closed());
            self.abandoned.fetch_add((before - queue.jobs.len()) as u64, Relaxed);
        }
        if queue.jobs.len() >= self.limit {
            self.refused.fetch_add(1, Relaxed);
            return Err(EmbedError::Overloaded { waiting: queue.jobs.len() });
        }
        queue.jobs.push_back(job);
        self.queued.fetch_add(1, Relaxed);
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// The next text; `None` once the queue is closed. What waits then is dropped, and its callers are told so.
    fn next(&self) -> Option<Job> {
        let mut queue = self.wake.wait_while(self.lock(), |queue| queue.jobs.is_empty() && !queue.closed);
        let queue = queue.as_mut().ok()?;
        if queue.closed {
            queue.jobs.clear();
        }
        queue.jobs.pop_front()
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if job.deadline <= Instant::now() {
                self.expired.fetch_add(1, Relaxed);
                let _ = job.reply.send(Err(EmbedError::DeadlineExceeded));
            } else if job.reply.is_closed() {
                self.abandoned.fetch_add(1, Relaxed);
            } else {
                // A worker that died of one text would leave fewer for all that follow.
                let pass = catch_unwind(AssertUnwindSafe(|| self.embedder.embed(&job.text)));
                self.done.fetch_add(1, Relaxed);
                let _ = job.reply.send(pass.unwrap_or(Err(EmbedError::Panicked)));
            }
        }
    }
}
