//! `trackside model`: the models that embed.

mod download;
mod hub;
mod list;
mod progress;
mod pull;
mod quantise;

use crate::exit::Outcome;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  trackside model list
  trackside model pull sentence-transformers/all-MiniLM-L12-v2
  trackside serve --model sentence-transformers/all-MiniLM-L12-v2
  trackside model pull my/encoder --from ./my-encoder        without any network
  trackside model quantise ./all-MiniLM-L6-v2 ./all-MiniLM-L6-v2-int8";

/// List, get and quantise embedding models.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Arguments),
    Pull(pull::Arguments),
    Quantise(quantise::Arguments),
}

/// Runs one of the commands below `model`.
///
/// # Errors
/// Each command's own.
pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Pull(arguments) => pull::run(arguments),
        Command::Quantise(arguments) => quantise::run(arguments),
    }
}

/// A size for people.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
