//! `trackside validate`.

use super::{Format, Model, Strictness, print};
use crate::assemble::{Workshop, load};
use crate::cli::runtime;
use crate::exit::{Exit, Failure, Outcome};
use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use trackside_components::Compiler;
use trackside_config::{Candidate, explain as explanation, explained};
use trackside_telemetry::Metrics;

const EXAMPLES: &str = "\
Examples:
  trackside validate router.yaml
  trackside validate --strict router.yaml
  trackside validate --explain E0103
  trackside validate --explain list
  trackside validate values.yaml --format json | jq .diagnostics

Exit code: 0 when the file can be served, 1 when it cannot.";

/// The word in place of a code that asks for all of them.
const LIST: &str = "list";

/// Check a configuration file, the settings of its components included.
///
/// The file goes the same way as in `serve`, up to the point where it would be served: every error and every warning is
/// told, and what Trackside does not do yet is a warning that names it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Configuration file (v0.3), Helm values or ConfigMap.
    #[arg(value_name = "FILE", required_unless_present = "explain")]
    file: Option<PathBuf>,
    /// Tell what a code means, with an example and the way out, in place of checking a file; `list` lists all codes.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = LIST, conflicts_with = "file")]
    explain: Option<String>,
    #[command(flatten)]
    strictness: Strictness,
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
    if let Some(code) = &arguments.explain {
        return explain(code, arguments.format);
    }
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let mut loaded = load(arguments.file.as_deref())?;
    arguments.strictness.apply(&mut loaded);
    let candidates = loaded.config.as_ref().map(|config| config.resolved.components.candidates.clone());
    let candidates = candidates.unwrap_or_default();
    let workshop = Workshop::open(&arguments.model.choice(), Compiler::Here, &metrics)?;
    let assembled = runtime()?.block_on(workshop.assemble(loaded, 1))?;
    let exit = if assembled.made.is_ok() { Exit::Ok } else { Exit::Invalid };
    print(&match arguments.format {
        Format::Json => {
            let mut told = assembled.report.to_json(&assembled.source);
            if let Some(told) = told.as_object_mut() {
                told.insert("candidates".to_owned(), candidates.iter().map(as_json).collect());
            }
            format!("{told:#}\n")
        }
        Format::Text if exit == Exit::Ok => {
            let tried: String = candidates.iter().map(in_words).collect();
            format!("{}{tried}{}: ok\n", assembled.report.render(&assembled.source), assembled.source.name)
        }
        Format::Text => assembled.report.render(&assembled.source),
    })?;
    Ok(exit)
}

/// What a candidate would do.
fn in_words(candidate: &Candidate) -> String {
    let Candidate { serves, source, percent, canary, .. } = candidate;
    let beside = if *percent > 0.0 { format!("on {percent} % of its requests") } else { "on no request".to_owned() };
    let decides = if *canary > 0.0 { format!("decides {canary} % of them") } else { "decides none".to_owned() };
    format!("{} runs beside the active {serves} {beside}, and {decides}\n", source.display())
}

fn as_json(candidate: &Candidate) -> Value {
    let Candidate { serves, source, percent, canary, .. } = candidate;
    json!({ "type": serves, "source": source, "percent": percent, "canary": canary })
}

/// Prints what a code means, or all codes with their titles.
fn explain(code: &str, format: Format) -> Outcome {
    if code == LIST {
        let rows = explained().map(|(code, title)| match format {
            Format::Text => format!("{code}  {title}\n"),
            Format::Json => format!("{}\n", json!({ "code": code, "title": title })),
        });
        print(&rows.collect::<String>())?;
        return Ok(Exit::Ok);
    }
    let Some(text) = explanation(code) else {
        let unknown = anyhow!("there is no code {code:?}: `trackside validate --explain list` lists them");
        return Err(Failure::usage(unknown));
    };
    print(&match format {
        Format::Text => format!("{text}\n"),
        Format::Json => format!("{:#}\n", json!({ "code": code.to_uppercase(), "text": text })),
    })?;
    Ok(Exit::Ok)
}
