//! The program: parse the command line, run the command, report how it went.

use std::process::ExitCode;
use trackside::cli::{self, Command};
use trackside::exit;

fn main() -> ExitCode {
    let command = match cli::parse() {
        Ok(command) => command,
        Err(code) => return code,
    };
    exit::report(match command {
        Command::Serve(arguments) => cli::serve::run(&arguments),
        Command::Validate(arguments) => cli::validate::run(&arguments),
        Command::Schema(arguments) => cli::schema::run(&arguments),
        Command::Explain(arguments) => cli::explain::run(&arguments),
        Command::Generations(arguments) => cli::generations::run(&arguments),
        Command::Reload(arguments) => cli::reload::run(&arguments),
        Command::Component(arguments) => cli::component::run(&arguments),
        Command::Eval(arguments) => cli::eval::run(&arguments),
        Command::Model(arguments) => cli::model::run(&arguments),
        Command::Calibrate(arguments) => cli::calibrate::run(&arguments),
        Command::CompileComponent => return cli::compile::run(),
        Command::Train(arguments) => cli::train::run(&arguments),
    })
}
