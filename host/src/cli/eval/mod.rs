//! `trackside eval`.

mod report;
mod rows;
mod run;
mod score;

use super::{Format, Source, print};
use crate::assemble::{Generation, Workshop, load};
use crate::cli::runtime;
use crate::exit::{Exit, Failure, Outcome};
use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;
use trackside_components::Compiler;
use trackside_config::{Config, Leaf, Profile, Rule};
use trackside_telemetry::{Metrics, log};

const EXAMPLES: &str = "\
Examples:
  trackside eval prompts.jsonl
  trackside eval exam.jsonl chat.jsonl --config router.yaml --format json | jq .as_answered.all.accuracy
  trackside eval --expect model prompts.jsonl
  trackside eval --signal preference prompts.jsonl

A line of a file: {\"text\": \"What is the derivative of x^3?\", \"label\": \"math\"}. `prompt` is read for `text`, and with
--expect decision, model or reasoning the key of that name for `label`. For reasoning, `thinking` is read too, and a label
that is a domain expects what the decision for that domain does.";

/// Tell how often the router is right about labelled prompts.
///
/// Every prompt takes the same way as one of a gateway, one for each core at once. Without --expect the surest domain is
/// compared with the label: as the router answers, so a domain under its threshold is no answer, and the likeliest one with
/// the threshold left out, which also tells how far confidences can be trusted.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Labelled prompts, a JSON object a line.
    #[arg(value_name = "FILE.jsonl", required = true)]
    files: Vec<PathBuf>,
    /// What is compared with the label.
    #[arg(long, value_name = "WHAT", default_value = "signal")]
    expect: Expect,
    /// The signal whose surest match is compared with the label.
    #[arg(long, value_name = "TYPE", default_value = "domain")]
    signal: String,
    /// At most this many prompts of each file.
    #[arg(long, value_name = "COUNT", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    #[command(flatten)]
    source: Source,
    /// How the result is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What a label is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Expect {
    /// The surest match of a signal.
    Signal,
    /// The decision taken.
    Decision,
    /// The model chosen.
    Model,
    /// Whether reasoning is switched on.
    Reasoning,
}

/// What is asked of each prompt.
#[derive(Debug)]
struct Question<'a> {
    expect: Expect,
    signal: &'a str,
    profile: &'a Profile,
}

/// Evaluates all prompts and prints how it went.
///
/// # Errors
/// When the configuration or a file cannot be read, or nothing would be evaluated.
pub fn run(arguments: &Arguments) -> Outcome {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let _flush = log::start(log::Format::Text, "off", &metrics).map_err(Failure::usage)?;
    let loaded = load(arguments.source.config.as_deref())?;
    let workshop = Workshop::open(&arguments.source.model.choice(), Compiler::Here, &metrics)?;
    let runtime = runtime()?;
    let assembled = runtime.block_on(workshop.assemble(loaded, 1))?;
    let Ok(ready) = assembled.made else {
        eprint!("{}", assembled.report.render(&assembled.source));
        return Ok(Exit::Invalid);
    };
    let (config, embeddings) = (Arc::clone(&ready.config), Arc::clone(&ready.embeddings));
    let profile = profile(&ready, &config).context("the configuration has no name that asks for routing")?;
    let question = Question { expect: arguments.expect, signal: &arguments.signal, profile };
    question.check(&ready).map_err(Failure::usage)?;
    let rows = rows::read(&arguments.files, arguments.limit, &question).map_err(Failure::unavailable)?;
    question.warn_of_unknown(&rows);
    let answers = runtime.block_on(run::all(ready, &rows, &question))?;
    let report = answers.report(&question, &rows, &arguments.files, &embeddings);
    print(&match arguments.format {
        Format::Text => report.text(),
        Format::Json => format!("{:#}\n", report.json()),
    })?;
    Ok(Exit::Ok)
}

impl Question<'_> {
    /// Only what some decision refers to is evaluated.
    fn check(&self, ready: &Generation) -> anyhow::Result<()> {
        if self.expect != Expect::Signal || ready.snapshot.signal_types().any(|kind| kind == self.signal) {
            return Ok(());
        }
        let kinds: Vec<_> = ready.snapshot.signal_types().collect();
        let kinds = if kinds.is_empty() { "none is".to_owned() } else { format!("evaluated: {}", kinds.join(", ")) };
        Err(anyhow!("no decision refers to a signal of type {:?}, so it is not evaluated; {kinds}", self.signal))
    }

    /// Tells labels that no answer can have.
    fn warn_of_unknown(&self, rows: &[rows::Row]) {
        let Some(declared) = self.profile.signals.get(self.signal).filter(|_| self.expect == Expect::Signal) else {
            return;
        };
        let known = |label: &str| declared.rules.iter().any(|rule| rule.outcomes.iter().any(|name| name == label));
        let mut unknown: Vec<&str> = rows.iter().map(|row| row.expected.as_str()).filter(|l| !known(l)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            eprintln!("warning: labels that the configuration does not declare: {}", unknown.join(", "));
        }
    }

    /// Whether the decision that refers to a domain reasons on its first model.
    fn reasons_about(&self, domain: &str) -> Option<bool> {
        let refers = |rule: &Rule| leaves(rule).iter().any(|leaf| leaf.signal == "domain" && leaf.name == domain);
        let decisions = self.profile.decisions.iter().filter(|decision| refers(&decision.rules));
        let first = decisions.max_by_key(|decision| decision.priority)?;
        Some(first.candidates.first().is_some_and(|candidate| candidate.use_reasoning))
    }

    /// What is compared, in words.
    fn words(&self) -> String {
        match self.expect {
            Expect::Signal => format!("surest {}", self.signal),
            Expect::Decision => "decision".to_owned(),
            Expect::Model => "model".to_owned(),
            Expect::Reasoning => "reasoning".to_owned(),
        }
    }
}

/// The profile that decides about the prompts.
fn profile<'c>(ready: &Generation, config: &'c Config) -> Option<&'c Profile> {
    config.resolved.profile(ready.snapshot.models().first()?.profile.as_deref()?)
}

fn leaves(rule: &Rule) -> Vec<&Leaf> {
    match rule {
        Rule::Always | Rule::Not(_) => Vec::new(),
        Rule::Leaf(leaf) => vec![leaf],
        Rule::And(children) | Rule::Or(children) => children.iter().flat_map(leaves).collect(),
    }
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
