//! `trackside train`.

use super::table::{plain, table};
use super::{Format, print};
use crate::assemble::find;
use crate::exit::{Exit, Failure, Outcome};
use crate::train::{self, Report, Trained};
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use trackside_inference::{Encoder, Options, Precision};

const EXAMPLES: &str = "\
Examples:
  trackside train domain --data exam.jsonl chat.jsonl --out domain.safetensors
  trackside train domain --data tickets.jsonl --out tickets.safetensors --format json | jq .files

A line of a file: {\"text\": \"What is the derivative of x^3?\", \"label\": \"math\"}. The result is served with

  components:
    use:
      - type: domain
        artefact: domain.safetensors";

/// Fit a classifier to labelled texts.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What is fitted.
#[derive(Debug, Subcommand)]
enum What {
    Domain(Domain),
}

/// Fit the classifier of the domain signal.
///
/// It tells labels by the nearest rows, by descriptions and by words. Every file counts the same when these are weighed,
/// however many rows it has: give each kind of text its own. The figures are those of cross-validation.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Domain {
    /// Labelled texts, a JSON object a line.
    #[arg(long, value_name = "FILE.jsonl", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Where the fitted classifier is written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The model that embeds: a folder, or the name of one that was pulled. Requests have to be embedded by the same one,
    /// whatever its precision. Without it the one inside the program.
    #[arg(long, value_name = "DIR|NAME", env = "TRACKSIDE_MODEL")]
    model: Option<String>,
    /// What the model computes with: auto, int8, bf16 or fp32.
    #[arg(long, value_name = "PRECISION", default_value = "auto")]
    precision: Precision,
    /// In how many parts the rows are left out for the figures.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
    folds: u16,
    /// How the figures are printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Fits what is asked for, writes it and prints how good it is.
///
/// # Errors
/// When a file cannot be read or written, or the rows cannot be used.
pub fn run(arguments: &Arguments) -> Outcome {
    let What::Domain(domain) = &arguments.what;
    let rows = train::read(&domain.data).map_err(Failure::unavailable)?;
    let encoder = open(domain).map_err(Failure::unavailable)?;
    let Trained { artefact, report } = train::domain(&rows, &encoder, usize::from(domain.folds))?;
    write(&domain.out, &artefact).map_err(Failure::unavailable)?;
    print(&match domain.format {
        Format::Text => text(&report, domain, artefact.len()),
        Format::Json => format!("{:#}\n", report.json()),
    })?;
    Ok(Exit::Ok)
}

fn open(domain: &Domain) -> anyhow::Result<Encoder> {
    let options = Options { precision: domain.precision, ..Options::default() };
    match &domain.model {
        Some(model) => {
            Encoder::load(&find(model)?, &options).with_context(|| format!("the model {model:?} cannot be used"))
        }
        None => Encoder::embedded(&options).context("the embedded model cannot be used"),
    }
}

/// A file that is there is replaced as a whole, or not at all.
fn write(out: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = out.file_name().ok_or_else(|| anyhow!("{} is no file name", out.display()))?;
    let part = out.with_file_name(format!(".{}.part", name.to_string_lossy()));
    let cannot = || format!("cannot write {}", out.display());
    std::fs::write(&part, bytes).with_context(cannot)?;
    std::fs::rename(&part, out).with_context(cannot)
}

fn text(report: &Report, domain: &Domain, bytes: usize) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let mut out = format!("{}: {} labels, {bytes} bytes\n", plain(&domain.out.display().to_string()), report.labels);
    let mut rows = vec![
        [
            "file",
            "rows",
            "right",
            "no neighbours",
            "words alone",
            "calibration error",
            "by chance",
            "reach 0.5",
            "of these right",
        ]
        .map(str::to_owned),
    ];
    let all = Some(&report.all).filter(|_| report.files.len() > 1);
    rows.extend(report.files.iter().chain(all).map(|figures| {
        [
            plain(&figures.file),
            figures.rows.to_string(),
            percent(figures.accuracy),
            percent(figures.no_neighbours),
            percent(figures.words_alone),
            percent(figures.calibration_error),
            percent(figures.calibration_error_by_chance),
            percent(figures.reported),
            percent(figures.right_of_reported),
        ]
    }));
    table(&mut out, &format!("Rows that were left out, in {} parts", report.folds), &rows);
    out
}
