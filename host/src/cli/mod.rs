//! The command line.

pub mod calibrate;
mod changes;
mod client;
pub mod compile;
pub mod component;
pub mod eval;
pub mod explain;
mod explanation;
pub mod generations;
mod limits;
pub mod model;
pub mod reload;
pub mod schema;
pub mod serve;
mod table;
pub mod train;
pub mod validate;

use crate::assemble::ModelChoice;
use crate::exit::{Exit, Failure};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use trackside_config::Loaded;
use trackside_inference::Precision;
use trackside_telemetry::{Metrics, log};

const EXAMPLES: &str = "\
Examples:
  trackside serve                                     serve the built-in configuration on the default ports
  trackside serve --config router.yaml                serve your own
  trackside validate router.yaml                      tell everything about a file
  trackside schema                                    print the file's JSON Schema, for editors
  trackside explain \"What is the derivative of x^3?\"  show where a prompt would go, and why
  trackside generations                               show what a running router serves and served, and go back
  trackside component list                            show its components, and how they fare
  trackside eval prompts.jsonl                        tell how often the domain is right
  trackside model list                                show the models at hand, and what this machine computes with
  trackside train domain --data p.jsonl --out d.st    fit the domain classifier to prompts of your own
  trackside calibrate --data p.jsonl                  find the threshold under which the domain is left open";

/// Routes LLM traffic beside a gateway: reads the signals in a prompt, picks a decision, selects a model.
#[derive(Debug, Parser)]
#[command(name = "trackside", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do. The help of each command is the comment on its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(Box<serve::Arguments>),
    Validate(validate::Arguments),
    Schema(schema::Arguments),
    Explain(explain::Arguments),
    Generations(generations::Arguments),
    Reload(reload::Arguments),
    Component(component::Arguments),
    Eval(eval::Arguments),
    Model(model::Arguments),
    Train(train::Arguments),
    Calibrate(calibrate::Arguments),
    /// Compile the component on the standard input to machine code: what `serve` runs beside itself.
    #[command(hide = true)]
    CompileComponent,
}

/// Where the configuration and the model come from.
#[derive(Debug, Args)]
pub struct Source {
    /// Configuration file (v0.3). Without it, the built-in one is used.
    #[arg(long, value_name = "FILE", env = "TRACKSIDE_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    model: Model,
}

/// Which model embeds.
#[derive(Debug, Args)]
struct Model {
    /// The model that embeds: a folder (config.json, tokenizer.json, model.safetensors), or the name of one that
    /// `trackside model pull` fetched. Without it the configuration's, and else the one inside the program.
    #[arg(long, value_name = "DIR|NAME", env = "TRACKSIDE_MODEL")]
    model: Option<String>,
    /// What the model computes with: auto, int8, bf16 or fp32. Without it what the configuration says, and else auto, the
    /// fastest faithful one of this machine; `trackside model list` shows which.
    #[arg(long, value_name = "PRECISION", env = "TRACKSIDE_PRECISION")]
    precision: Option<Precision>,
}

impl Model {
    fn choice(&self) -> ModelChoice {
        ModelChoice { model: self.model.clone(), precision: self.precision }
    }
}

/// What is thought of keys that nobody reads.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Strictness {
    /// Refuse keys that are neither part of v0.3 nor known to their component. v0.3 reads past them, and so does Trackside
    /// without this.
    #[arg(long, env = "TRACKSIDE_STRICT")]
    strict: bool,
}

impl Strictness {
    pub(crate) fn apply(self, loaded: &mut Loaded) {
        if self.strict {
            loaded.report.refuse_unknown_keys();
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Args)]
pub struct Logging {
    /// Level (error, warn, info, debug, trace, off), or levels by crate: info,trackside_routing=debug.
    #[arg(long = "log", value_name = "FILTER", env = "TRACKSIDE_LOG", default_value = "info")]
    filter: String,
    /// What a line of the log looks like.
    #[arg(long, value_name = "FORMAT", env = "TRACKSIDE_LOG_FORMAT", default_value = "json")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

impl Logging {
    fn start(&self, metrics: &Arc<Metrics>) -> Result<log::Flush, Failure> {
        let format = match self.log_format {
            LogFormat::Json => log::Format::Json,
            LogFormat::Text => log::Format::Text,
        };
        log::start(format, &self.filter, metrics).map_err(Failure::usage)
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Reads the command line. Help and version are printed at once, and so is what is wrong with it.
///
/// # Errors
/// The code to exit with when there is nothing to run.
pub fn parse() -> Result<Command, ExitCode> {
    Arguments::try_parse().map(|arguments| arguments.command).map_err(|error| {
        // Where help and complaints cannot be printed, the exit code still tells.
        let _ = error.print();
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        ExitCode::from(exit as u8)
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // The C library keeps what a thread has freed for that thread, or for new ones when it has ended. Threads that have built
    // a generation end at once, so that those that serve begin with their memory.
    runtime.thread_keep_alive(Duration::ZERO);
    runtime.enable_all().build().context("cannot start the runtime")
}

/// Prints a result. A reader that has seen enough and closed the pipe is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot print the result"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
