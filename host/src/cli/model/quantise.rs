//! `trackside model quantise`.

use super::megabytes;
use crate::assemble::find;
use crate::cli::print;
use crate::exit::{Exit, Failure, Outcome};
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;

/// Write a copy of a model whose weights are 8-bit integers: a quarter of the size, and the vectors keep their meaning.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The model: a folder, or the name of one that was pulled.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The folder to write, which must not have a model yet.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let source = find(&arguments.source).map_err(Failure::unavailable)?;
    let written = trackside_inference::quantise(&source, &arguments.target)
        .with_context(|| format!("{} cannot be quantised", source.display()))
        .map_err(Failure::unavailable)?;
    let (before, after) = (written.bytes_before as u64, written.bytes_after as u64);
    print(&format!(
        "{}: {} matrices of {}, {} -> {}, sha256 {}\n",
        arguments.target.display(),
        written.matrices,
        written.name,
        megabytes(before),
        megabytes(after),
        written.sha256_after
    ))?;
    Ok(Exit::Ok)
}
