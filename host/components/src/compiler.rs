//! Where components are compiled: here, or in a process of its own that leaves the cores to the traffic.

mod child;
mod process;

pub use child::compile_process;

use crate::code_cache;
use process::{Process, Said};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long compiling may take. On cores that are busy with traffic, a process of the lowest priority can wait far longer
/// than the time that it may compute, which it bounds by itself.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often a load that waits for the compiler looks whether it was given up.
const GLANCE: Duration = Duration::from_millis(50);

/// As much as is kept of what the compiler says.
const MOST_COMPLAINT: u64 = 4096;

/// Where components are compiled while traffic flows. Compiling takes all of a core, for a tenth of a second to ten.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process.
    #[default]
    Here,
    /// In a process of its own, at low priority: this program, called with the one argument `compile-component`, has to call
    /// [`compile_process`].
    Apart(PathBuf),
}

impl Compiler {
    /// The program that runs now, in a process of its own.
    ///
    /// # Errors
    /// When the system cannot tell which one that is.
    pub fn this_program() -> io::Result<Self> {
        if cfg!(target_os = "linux") {
            // The file may be replaced while this process runs; the link leads to the one that it was started from.
            return Ok(Self::Apart("/proc/self/exe".into()));
        }
        std::env::current_exe().map(Self::Apart)
    }
}

/// Why valid or invalid bytes did not become machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileFailure {
    /// The compiler's process could not be started, or not be talked to.
    #[error("the compiler cannot be run: {0}")]
    Start(#[from] io::Error),
    /// The system ended it, for want of memory for example.
    #[error("the compiler was ended by signal {signal}: {}", or_nothing(complaint))]
    Ended {
        /// The signal.
        signal: i32,
        /// What it said before.
        complaint: String,
    },
    /// It failed by itself.
    #[error("the compiler failed: {}", or_nothing(complaint))]
    Failed {
        /// What it said.
        complaint: String,
    },
    /// It took more time than it may.
    #[error("the compiler took more than the {} s of computing, or {} s in all, that it has", child::MOST_SECONDS, PATIENCE.as_secs())]
    TooSlow,
    /// It made more machine code than is loaded.
    #[error("the compiler made more than {limit} bytes of machine code")]
    TooMuchCode {
        /// The limit.
        limit: u64,
    },
    /// Nobody waits for the component any more.
    #[error("loading was given up")]
    GivenUp,
}

/// The compiler sets some of its reasons in many lines, which a diagnostic and the log are not.
pub(crate) fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn or_nothing(complaint: &str) -> &str {
    if complaint.is_empty() { "it said nothing" } else { complaint }
}

/// What the compiler's process comes to when it does not fail.
pub(crate) enum Compiled {
    Code(Vec<u8>),
    /// The bytes are no valid component, for this reason.
    Invalid(String),
}

/// Everybody who wants something compiled while traffic flows, one after the other.
#[derive(Debug)]
pub(crate) struct Queue {
    compiler: Compiler,
    traffic: AtomicBool,
    closed: AtomicBool,
    turn: Mutex<()>,
}

impl Queue {
    pub(crate) fn new(compiler: Compiler) -> Self {
        Self { compiler, traffic: AtomicBool::new(false), closed: AtomicBool::new(false), turn: Mutex::default() }
    }

    pub(crate) fn traffic_begins(&self) {
        self.traffic.store(true, Ordering::Relaxed);
    }

    /// Ends what is being compiled, and refuses what comes later.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// The program to compile with now, unless it is to be done here.
    pub(crate) fn program(&self) -> Option<&Path> {
        match &self.compiler {
            Compiler::Apart(program) if self.traffic.load(Ordering::Relaxed) => Some(program),
            Compiler::Apart(_) | Compiler::Here => None,
        }
    }

    /// Waits for the others to be done.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compiles in a process of its own. Blocks; the thread has to stay, because the process ends with it.
    pub(crate) fn compile(&self, program: &Path, wasm: &[u8]) -> Result<Compiled, CompileFailure> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(CompileFailure::GivenUp);
        }
        let (process, pipes) = Process::start(program)?;
        let process = &process;
        thread::scope(|scope| {
            let (done, over) = mpsc::channel();
            let guard = thread::Builder::new().name("compiler-guard".to_owned());
            let guard = guard.spawn_scoped(scope, move || self.guard(process, &over))?;
            let said = pipes.talk(wasm);
            let status = process.ended();
            drop::<mpsc::Sender<()>>(done);
            if let Ok(Some(stopped)) = guard.join() {
                return Err(stopped);
            }
            judge(status?, said?)
        })
    }

    /// Ends the process when its time is up, or when nobody waits any more.
    fn guard(&self, process: &Process, over: &Receiver<()>) -> Option<CompileFailure> {
        let started = Instant::now();
        while over.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
            let reason = match self.closed.load(Ordering::Relaxed) {
                true => CompileFailure::GivenUp,
                false if started.elapsed() > PATIENCE => CompileFailure::TooSlow,
                false => continue,
            };
            process.kill();
            return Some(reason);
        }
        None
    }
}

fn judge(status: ExitStatus, said: Said) -> Result<Compiled, CompileFailure> {
    let Said { code, complaint } = said;
    let limit = code_cache::MOST_BYTES;
    if u64::try_from(code.len()).is_ok_and(|bytes| bytes > limit) {
        return Err(CompileFailure::TooMuchCode { limit });
    }
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(Compiled::Code(code)),
        (Some(child::INVALID), _) => Ok(Compiled::Invalid(complaint)),
        (_, Some(child::OUT_OF_TIME)) => Err(CompileFailure::TooSlow),
        (_, Some(signal)) => Err(CompileFailure::Ended { signal, complaint }),
        (_, None) => Err(CompileFailure::Failed { complaint }),
    }
}
