//! `trackside schema`.

use super::{Source, print, runtime};
use crate::assemble::{Workshop, load};
use crate::exit::{Exit, Outcome};
use clap::Args;
use std::sync::Arc;
use trackside_components::Compiler;
use trackside_config::Declared;
use trackside_telemetry::Metrics;

const EXAMPLES: &str = "\
Examples:
  trackside schema > trackside.schema.json
  trackside schema --config router.yaml > router.schema.json

The first line of a file names its schema for editors that speak YAML:
  # yaml-language-server: $schema=./trackside.schema.json";

/// Print the JSON Schema of the configuration file, for editors.
///
/// It is made of the keys that v0.3 has and of what the components declare about their settings. With --config it knows the
/// components of that configuration too, and not only the built-in ones.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Prints the schema.
///
/// # Errors
/// When the configuration cannot be read.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut loaded = load(arguments.source.config.as_deref())?;
    let workshop = Workshop::open(&arguments.source.model.choice(), Compiler::Here, &metrics)?;
    let declared = match &loaded.config {
        Some(config) => runtime()?.block_on(workshop.declared(config, &mut loaded.report)),
        None => Declared::default(),
    };
    if !loaded.report.is_ok() {
        eprint!("{}", loaded.report.render(&loaded.source));
        return Ok(Exit::Invalid);
    }
    print(&format!("{:#}\n", trackside_config::schema(&declared)))?;
    Ok(Exit::Ok)
}
