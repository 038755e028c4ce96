//! The process in which a component is compiled, as its parent sees it.

use super::{MOST_COMPLAINT, child, one_line};
use crate::code_cache;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The compiler at work. It is ended when this is dropped.
pub(super) struct Process(Mutex<Child>);

/// The ways to and from it.
pub(super) struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
    errors: ChildStderr,
}

/// What it has answered.
pub(super) struct Said {
    pub(super) code: Vec<u8>,
    pub(super) complaint: String,
}

impl Process {
    pub(super) fn start(program: &Path) -> io::Result<(Self, Pipes)> {
        let mut command = Command::new(program);
        command.arg0("trackside").arg(child::COMMAND);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self(Mutex::new(child));
        match pipes {
            (Some(input), Some(output), Some(errors)) => Ok((process, Pipes { input, output, errors })),
            _ => Err(io::Error::other("its pipes are missing")),
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kill(&self) {
        // It may have ended by itself, which is as good.
        drop(self.child().kill());
    }

    /// Waits for the end without keeping the guard from ending it.
    pub(super) fn ended(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child().try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        drop(self.child().wait());
    }
}

impl Pipes {
    /// Hands the component over, then listens. The compiler reads everything before it writes, and says so little about
    /// errors that it never waits for somebody to read that.
    pub(super) fn talk(mut self, wasm: &[u8]) -> io::Result<Said> {
        // A process that has ended does not read to the end; how it ended tells more than that.
        let _ = self.input.write_all(wasm);
        drop(self.input);
        let (mut code, mut complaint) = (Vec::new(), Vec::new());
        self.output.take(code_cache::MOST_BYTES + 1).read_to_end(&mut code)?;
        self.errors.take(MOST_COMPLAINT).read_to_end(&mut complaint)?;
        Ok(Said { code, complaint: one_line(&String::from_utf8_lossy(&complaint)) })
    }
}
