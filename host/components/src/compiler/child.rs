//! The compiler's side of a compilation in a process of its own.

use super::MOST_COMPLAINT;
use crate::component::MOST_BYTES;
use crate::engine;
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use std::io::{self, Read, Write};
use std::process::ExitCode;

/// The argument that makes this program the compiler.
pub(super) const COMMAND: &str = "compile-component";

/// The exit code for bytes that are no valid component; a reason was printed.
pub(super) const INVALID: i32 = 65;

/// The signal that ends a process which has computed for longer than it may (SIGXCPU).
pub(super) const OUT_OF_TIME: i32 = 24;

/// How long it may compute. The largest language runtime seen takes 10 s.
pub(super) const MOST_SECONDS: u64 = 120;

/// Address space that it may have. 12 MB of code take 150 MB of memory, and the largest component that is loaded ten times that.
const MOST_MEMORY: u64 = 2 << 30;

/// Least friendly to itself of all priorities.
const LAST: i32 = 19;

/// Compiles the component on the standard input, and writes its machine code to the standard output: what an engine with
/// [`Compiler::Apart`](super::Compiler::Apart) runs. First puts itself last in the queue for a core, and bounds its own time
/// and memory.
#[must_use]
pub fn compile_process() -> ExitCode {
    stand_back();
    let compiled = read().and_then(|wasm| {
        let engine = engine::compiler().map_err(io::Error::other)?;
        match engine.precompile_component(&wasm) {
            Err(error) if error.is::<wasmtime::OutOfMemory>() => Err(io::ErrorKind::OutOfMemory.into()),
            Err(error) => Ok(Err(format!("{error:#}"))),
            Ok(code) => io::stdout().lock().write_all(&code).map(Ok),
        }
    });
    match compiled {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(reason)) => {
            complain(&reason);
            u8::try_from(INVALID).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// No more than the other side reads: what nobody reads would be waited for.
fn complain(reason: &str) {
    let most = usize::try_from(MOST_COMPLAINT).unwrap_or_default();
    let shown = reason.get(..reason.floor_char_boundary(most)).unwrap_or_default();
    let _ = io::stderr().lock().write_all(shown.as_bytes());
}

fn read() -> io::Result<Vec<u8>> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut wasm = Vec::new();
    io::stdin().lock().take(most).read_to_end(&mut wasm)?;
    Ok(wasm)
}

/// What cannot be set is bounded more narrowly already, or is one safeguard of several: compiling goes on.
fn stand_back() {
    let _ = setpriority_process(None, LAST);
    let bound = |most| Rlimit { current: Some(most), maximum: Some(most) };
    let _ = setrlimit(Resource::As, bound(MOST_MEMORY));
    let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(MOST_SECONDS), maximum: Some(MOST_SECONDS + 1) });
    // A core dump of somebody's component is of no use to anybody.
    let _ = setrlimit(Resource::Core, bound(0));
    #[cfg(target_os = "linux")]
    {
        // A parent that ended before this has closed the pipes, which ends this process too, only later.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
        // When the system is short of memory, the compiler is to go rather than the one that serves.
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
}
