//! `trackside calibrate`.

use super::explain::chat;
use super::table::table;
use super::{Format, Source, print, runtime};
use crate::assemble::{Generation, Workshop, load};
use crate::exit::{self, Exit, Failure};
use crate::train::{self, Expected, Goal, Judged, Outcome, Rows};
use anyhow::{Context as _, anyhow};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use trackside_components::Compiler;
use trackside_config::DEFAULT_PROFILE;
use trackside_routing::{Headers, Incoming};
use trackside_telemetry::{Metrics, log};

const EXAMPLES: &str = "\
Examples:
  trackside calibrate --data prompts.jsonl --config router.yaml
  trackside calibrate --data prompts.jsonl --config router.yaml --false-alarms 0.01

A line of a file: {\"text\": \"where is my invoice\", \"label\": \"billing\"}. Prompts that belong to no domain have the label
none; oos, out_of_scope and out-of-scope say the same.";

/// Labels of what belongs to no domain.
const NOTHING: [&str; 4] = ["none", "oos", "out-of-scope", "out_of_scope"];

/// Find the confidence under which the domain signal should say nothing.
///
/// The domains of the configuration judge every prompt without a threshold. The best one is printed as it has to be
/// configured: the one at which prompts with a domain and prompts with none are treated right alike, or the lowest one that
/// answers at most a given share of the latter. Use other prompts than the candidates of the domains.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Labelled prompts, a JSON object a line.
    #[arg(long, value_name = "FILE.jsonl", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// The greatest share of prompts with no domain that may get one, 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    false_alarms: Option<f64>,
    #[command(flatten)]
    source: Source,
    /// How the result is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("expected a number between 0 and 1".to_owned()) }
}

/// Judges all prompts and prints the threshold.
///
/// # Errors
/// When the configuration or a file cannot be read, or the prompts cannot tell a threshold.
pub fn run(arguments: &Arguments) -> exit::Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let _flush = log::start(log::Format::Text, "off", &metrics).map_err(Failure::usage)?;
    let rows = train::read(&arguments.data).map_err(Failure::unavailable)?;
    let loaded = load(arguments.source.config.as_deref())?;
    let workshop = Workshop::open(&arguments.source.model.choice(), Compiler::Here, &metrics)?;
    let runtime = runtime()?;
    let assembled = runtime.block_on(workshop.assemble(loaded, 1))?;
    let Ok(ready) = assembled.made else {
        eprint!("{}", assembled.report.render(&assembled.source));
        return Ok(Exit::Invalid);
    };
    check(&rows, &ready).map_err(Failure::usage)?;
    let judged = runtime.block_on(judge(&rows, &ready))?;
    let goal = arguments.false_alarms.map_or(Goal::Balanced, Goal::FalseAlarms);
    let (best, half) = (train::choose(&judged, goal), Outcome::of(0.5, &judged));
    print(&match arguments.format {
        Format::Text => text(&judged, &[best, half]),
        Format::Json => format!("{:#}\n", json!({ "chosen": figures(&best), "default": figures(&half) })),
    })?;
    Ok(Exit::Ok)
}

/// Prompts of both kinds are needed, and domains that they name.
fn check(rows: &Rows, ready: &Generation) -> anyhow::Result<()> {
    let profile = ready.config.resolved.profile(DEFAULT_PROFILE);
    let declared = profile.and_then(|profile| profile.signals.get("domain"));
    let declared = declared.context("the configuration declares no domains")?;
    let known =
        |label: &str| declared.rules.iter().any(|rule| rule.outcomes.iter().any(|name| name.to_lowercase() == label));
    let (nothing, named): (Vec<&String>, Vec<_>) =
        rows.labels.iter().partition(|label| NOTHING.contains(&label.as_str()));
    if let Some(unknown) = named.iter().find(|label| !known(label)) {
        return Err(anyhow!("the configuration declares no domain {unknown:?}; prompts of none have the label none"));
    }
    if nothing.is_empty() {
        return Err(anyhow!("no prompt has the label none: a threshold needs prompts that belong to no domain"));
    }
    Ok(())
}

/// The likeliest domain of every prompt.
async fn judge(rows: &Rows, ready: &Generation) -> anyhow::Result<Vec<Judged>> {
    let at_once = available_parallelism().map_or(1, NonZero::get);
    let judged = stream::iter(&rows.rows).map(|row| async move {
        let body = chat(&row.text, &ready.snapshot);
        let incoming = Incoming::new("calibrate".to_owned(), Headers::default(), body);
        let found = ready.domains.judge(DEFAULT_PROFILE, incoming).await.with_context(|| rows.place(row))?;
        let label = rows.labels.get(row.label).map(String::as_str).unwrap_or_default();
        let likeliest = found.first();
        let expected = match likeliest {
            _ if NOTHING.contains(&label) => Expected::Nothing,
            Some(found) if found.rule.to_lowercase() == label => Expected::Given,
            _ => Expected::Other,
        };
        anyhow::Ok(Judged { confidence: likeliest.map_or(0.0, |found| f64::from(found.confidence)), expected })
    });
    judged.buffered(at_once).try_collect().await
}

fn text(judged: &[Judged], outcomes: &[Outcome; 2]) -> String {
    let nothing = judged.iter().filter(|row| row.expected == Expected::Nothing).count();
    let mut out = format!("{} prompts with a domain, {nothing} with none\n", judged.len() - nothing);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let mut rows = vec![["", "threshold", "right domain", "false alarms", "balanced accuracy"].map(str::to_owned)];
    rows.extend(["chosen", "default"].iter().zip(outcomes).map(|(name, outcome)| {
        let Outcome { threshold, right, false_alarms } = *outcome;
        [(*name).to_owned(), threshold.to_string(), percent(right), percent(false_alarms), percent(outcome.balanced())]
    }));
    table(&mut out, "What a threshold does", &rows);
    let [chosen, _] = outcomes;
    out + &format!(
        "\nglobal:\n  model_catalog:\n    modules:\n      classifier:\n        domain:\n          threshold: {}\n",
        chosen.threshold
    )
}

fn figures(outcome: &Outcome) -> Value {
    json!({
        "threshold": outcome.threshold,
        "right": outcome.right,
        "false_alarms": outcome.false_alarms,
        "balanced_accuracy": outcome.balanced(),
    })
}
