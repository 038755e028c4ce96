//! How the process ends. The numbers above 1 are those of `sysexits.h`.

use std::fmt;
use std::process::ExitCode;

/// What the caller is told by the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The configuration cannot be served.
    Invalid = 1,
    /// The command line was wrong.
    Usage = 64,
    /// An address or a file that is needed cannot be had.
    Unavailable = 69,
    /// A fault of the program.
    Internal = 70,
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

/// What a command comes to.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// The caller asked for something that makes no sense.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// Something outside is missing.
    pub fn unavailable(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Unavailable, error: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Internal, error }
    }
}

/// Tells the reason of a failure, and turns the outcome into an exit code.
#[must_use]
pub fn report(outcome: Outcome) -> ExitCode {
    let exit = outcome.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        failure.exit
    });
    ExitCode::from(exit as u8)
}
