//! `trackside compile-component`: the compiler that `serve` starts beside itself. Not for people.

use std::process::ExitCode;

/// Compiles the component on the standard input to machine code on the standard output.
#[must_use]
pub fn run() -> ExitCode {
    trackside_components::compile_process()
}
