//! `trackside validate`.

use super::{Format, Model, print};
use crate::assemble::{Workshop, load};
use crate::cli::runtime;
use crate::exit::{Exit, Outcome};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use trackside_telemetry::Metrics;

const EXAMPLES: &str = "\
Examples:
  trackside validate router.yaml
  trackside validate values.yaml --format json | jq .diagnostics

Exit code: 0 when the file can be served, 1 when it cannot.";

/// Check a configuration file, the settings of its components included.
///
/// The file goes the same way as in `serve`, up to the point where it would be served: every error and every warning is
/// told, and what Trackside does not do yet is a warning that names it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Configuration file (v0.3), Helm values or ConfigMap.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    model: Model,
    /// How the report is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Prints everything there is to say about the file.
///
/// # Errors
/// When the file cannot be read.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut loaded = load(Some(&arguments.file))?;
    let workshop = Workshop::open(&arguments.model.choice(), &mut loaded, &metrics)?;
    let assembled = runtime()?.block_on(workshop.assemble(loaded, 1));
    let exit = if assembled.ready.is_some() { Exit::Ok } else { Exit::Invalid };
    print(&match arguments.format {
        Format::Json => format!("{:#}\n", assembled.report.to_json(&assembled.source)),
        Format::Text if exit == Exit::Ok => {
            format!("{}{}: ok\n", assembled.report.render(&assembled.source), assembled.source.name)
        }
        Format::Text => assembled.report.render(&assembled.source),
    })?;
    Ok(exit)
}
