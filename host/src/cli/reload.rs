//! `trackside reload`.

use super::client::Api;
use crate::exit::Outcome;
use clap::Args;

const EXAMPLES: &str = "\
Examples:
  trackside reload
  trackside reload --api 10.0.0.7:8080 --api-token-file token

Exit code: 0 when the files serve, 1 when they were refused, 69 when no router answers.";

/// Let a router that runs look at its files now.
///
/// Where it watches them it has done so by itself; SIGHUP asks for the same. What comes of it is told here.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    api: Api,
}

/// Asks for a new generation and tells what came of it.
///
/// # Errors
/// When no router answers, or it wants a token.
pub fn run(arguments: &Arguments) -> Outcome {
    arguments.api.change("/api/v1/reload")
}
