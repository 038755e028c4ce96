//! `trackside explain`.

use super::explanation::Explanation;
use super::{Format, Source, print};
use crate::assemble::{Generation, Workshop, load};
use crate::cli::runtime;
use crate::exit::{Exit, Failure, Outcome};
use bytes::Bytes;
use clap::Args;
use serde_json::json;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_components::Compiler;
use trackside_routing::{Headers, Incoming, Resolution, Snapshot};
use trackside_telemetry::{Metrics, log};

const EXAMPLES: &str = "\
Examples:
  trackside explain \"What is the derivative of x^3?\"
  trackside explain --config router.yaml --request-model team-a/auto \"Is this contract void?\"
  trackside explain --config router.yaml --request body.json --header x-tenant=gold
  trackside explain --model ./my-encoder --precision fp32 \"Is this contract void?\"
  trackside explain --format json \"Is this contract void?\" | jq .record.signals";

/// Show where a request would go, and why.
///
/// The request takes the same way as one of a gateway: signals, decisions, selection and plugins are evaluated for real,
/// and the edits are shown instead of sent.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The prompt: one user message that asks for routing.
    #[arg(value_name = "TEXT", required_unless_present = "request", conflicts_with = "request")]
    text: Option<String>,
    /// A whole chat completions body instead; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// A request header that the gateway would show.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The model name that the prompt asks for: an automatic one, an entrypoint or a model. Without it the first that routes.
    #[arg(long, value_name = "NAME", conflicts_with = "request")]
    request_model: Option<String>,
    /// The profile that decides, as when the gateway names one.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    source: Source,
    /// How the explanation is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Decides about one request and prints how.
///
/// # Errors
/// When the configuration or the request cannot be read.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let _flush = log::start(log::Format::Text, "warn", &metrics).map_err(Failure::usage)?;
    let loaded = load(arguments.source.config.as_deref())?;
    let workshop = Workshop::open(&arguments.source.model.choice(), Compiler::Here, &metrics)?;
    let runtime = runtime()?;
    let assembled = runtime.block_on(workshop.assemble(loaded, 1))?;
    let Ok(Generation { snapshot, embeddings, .. }) = assembled.made else {
        eprint!("{}", assembled.report.render(&assembled.source));
        return Ok(Exit::Invalid);
    };
    let body = body(arguments, &snapshot)?;
    let mut headers = Headers::default();
    for (name, value) in &arguments.headers {
        headers.push(name, value.clone().into());
    }
    let incoming = Incoming::new("explain".to_owned(), headers, body.clone());
    let incoming = Incoming { profile: arguments.profile.clone(), ..incoming };
    let answer = runtime.block_on(snapshot.route(incoming));
    let explanation = Explanation { body: &body, answer: &answer, embeddings: &embeddings };
    print(&match arguments.format {
        Format::Text => explanation.text(),
        Format::Json => format!("{:#}\n", explanation.json()),
    })?;
    Ok(Exit::Ok)
}

fn body(arguments: &Arguments, snapshot: &Snapshot) -> Result<Bytes, Failure> {
    if let Some(file) = &arguments.request {
        return read(file).map_err(|error| {
            Failure::unavailable(anyhow::Error::new(error).context(format!("cannot read {}", file.display())))
        });
    }
    let text = arguments.text.as_deref().unwrap_or_default();
    Ok(arguments.request_model.as_ref().map_or_else(|| chat(text, snapshot), |model| message(text, model)))
}

/// One user message that asks for routing.
pub(super) fn chat(text: &str, snapshot: &Snapshot) -> Bytes {
    let routed = snapshot.models().into_iter().find(|model| model.resolution == Resolution::Virtual);
    message(text, &routed.map_or_else(|| "auto".to_owned(), |model| model.id))
}

fn message(text: &str, model: &str) -> Bytes {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] }).to_string().into()
}

fn read(file: &Path) -> std::io::Result<Bytes> {
    if file != Path::new("-") {
        return std::fs::read(file).map(Bytes::from);
    }
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    Ok(body.into())
}
