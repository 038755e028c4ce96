//! `trackside model list`.

use super::megabytes;
use crate::assemble::PulledModels;
use crate::cli::table::{plain, table};
use crate::cli::{Format, print};
use crate::exit::{Exit, Outcome};
use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use trackside_inference::{About, Encoder, Engine, Options};

/// Show what this machine computes with, and the models at hand.
///
/// The first precision is the one that `--precision auto` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How the list is printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// A model on disk, by what its files say.
struct Pulled {
    name: String,
    folder: String,
    architecture: String,
    dimensions: Option<u64>,
    bytes: u64,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let embedded = Encoder::embedded(&Options::default()).context("the embedded model cannot be used")?;
    let embedded = embedded.about();
    // Who has no home has no models there either.
    let pulled = PulledModels::of_user().map(|models| models.all()).unwrap_or_default();
    let pulled: Vec<Pulled> = pulled.iter().map(|(name, folder)| read(name.to_string(), folder)).collect();
    print(&match arguments.format {
        Format::Text => text(embedded, &pulled),
        Format::Json => format!("{:#}\n", json(embedded, &pulled)),
    })?;
    Ok(Exit::Ok)
}

fn read(name: String, folder: &Path) -> Pulled {
    let config = fs::read(folder.join("config.json")).unwrap_or_default();
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    Pulled {
        name,
        folder: folder.display().to_string(),
        architecture: config.get("model_type").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
        dimensions: config.get("hidden_size").and_then(Value::as_u64),
        bytes: size(folder),
    }
}

/// What the files of a folder and of the folders in it take.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(file) if file.is_dir() => size(&entry.path()),
        Ok(file) => file.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

fn text(embedded: &About, pulled: &[Pulled]) -> String {
    let mut out = String::from("This machine computes with\n");
    for (place, engine) in Engine::all_here().into_iter().enumerate() {
        let auto = if place == 0 { "  (auto)" } else { "" };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "  {:<5} {}{auto}", engine.precision(), engine.instructions());
    }
    let inside = [
        embedded.name.clone(),
        embedded.architecture.to_string(),
        format!("{} dimensions", embedded.dimensions),
        megabytes(embedded.weights_bytes as u64),
    ];
    table(&mut out, "Inside the program", &[inside]);
    let rows = pulled.iter().map(|model| {
        let dimensions = model.dimensions.map_or("unknown".to_owned(), |count| format!("{count} dimensions"));
        [model.name.clone(), plain(&model.architecture), dimensions, megabytes(model.bytes), plain(&model.folder)]
    });
    table(&mut out, "Pulled", &rows.collect::<Vec<_>>());
    out
}

fn json(embedded: &About, pulled: &[Pulled]) -> Value {
    let engines = Engine::all_here();
    let engines = engines.iter().map(|engine| {
        json!({ "precision": engine.precision().to_string(), "instructions": engine.instructions().to_string() })
    });
    let pulled = pulled.iter().map(|model| {
        json!({
            "name": model.name,
            "architecture": model.architecture,
            "dimensions": model.dimensions,
            "bytes": model.bytes,
            "folder": model.folder,
        })
    });
    json!({
        "engines": engines.collect::<Vec<_>>(),
        "auto": { "precision": embedded.precision.to_string(), "instructions": embedded.instructions.to_string() },
        "embedded": {
            "name": embedded.name,
            "architecture": embedded.architecture.to_string(),
            "dimensions": embedded.dimensions,
            "max_tokens": embedded.max_tokens,
            "bytes": embedded.weights_bytes,
        },
        "pulled": pulled.collect::<Vec<_>>(),
    })
}
