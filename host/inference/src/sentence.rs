//! What sentence-transformers' files add to a network: how one vector is made from the vectors of all tokens, and of how
//! many tokens.

use crate::{
    LoadError,
    model_dir::{Contents, ModelDir, unsupported},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Component, Path};

pub(crate) const LENGTH_FILE: &str = "sentence_bert_config.json";
pub(crate) const MODULES_FILE: &str = "modules.json";

/// How one vector is made from the vectors of all tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
    /// The vector of the first token.
    Cls,
}

/// One entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Length {
    max_seq_length: Option<usize>,
}

/// The longest input in tokens that the directory allows, if it says.
pub(crate) fn max_tokens(dir: &ModelDir<'_>) -> Result<Option<usize>, LoadError> {
    let file = dir.optional_json(LENGTH_FILE)?;
    Ok(file.map(|file| file.parse::<Length>()).transpose()?.and_then(|length| length.max_seq_length))
}

impl Pooling {
    /// The pooling that `modules.json` asks for; the mean without that file.
    pub(crate) fn of(dir: &ModelDir<'_>) -> Result<Self, LoadError> {
        match Self::file(dir)? {
            Some(file) => read_pooling(dir, &file),
            None => Ok(Self::Mean),
        }
    }

    /// The file that says how the model pools, by its path inside the directory; `None` when none does.
    pub(crate) fn file(dir: &ModelDir<'_>) -> Result<Option<String>, LoadError> {
        let Some(file) = dir.optional_json(MODULES_FILE)? else { return Ok(None) };
        let mut found = None;
        for module in file.parse::<Vec<Module>>()? {
            match module.kind.rsplit('.').next() {
                // Vectors are scaled to length 1 whether or not the model says so.
                Some("Transformer" | "Normalize") => {}
                Some("Pooling") => {
                    found = Some(config_of(&module, &file)?);
                }
                _ => file.expect("type", &module.kind, false, "Transformer, Pooling or Normalize")?,
            }
        }
        Ok(found)
    }

    /// One vector out of the rows of all tokens, each of `width` numbers.
    pub(crate) fn pool(self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut rows = rows.chunks_exact(width);
        let mut pooled = rows.next().unwrap_or_default().to_vec();
        if self == Self::Mean {
            let count = (rows.len() + 1) as f32;
            for row in rows {
                pooled.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            pooled.iter_mut().for_each(|sum| *sum /= count);
        }
        pooled
    }
}

/// Where the module's settings are. The path is the file's, and must not lead out of the directory.
fn config_of(module: &Module, file: &Contents) -> Result<String, LoadError> {
    let path = Path::new(&module.path).join("config.json");
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    match path.to_str().filter(|_| inside) {
        Some(path) => Ok(path.to_owned()),
        None => Err(unsupported(&file.path, "path", &module.path, "a folder of the model")),
    }
}

fn read_pooling(dir: &ModelDir<'_>, file: &str) -> Result<Pooling, LoadError> {
    let file = dir.json(file)?;
    let fields: Map<String, Value> = file.parse()?;
    // Older files have one flag per mode, newer ones name the mode.
    let modes: Vec<&str> = fields
        .iter()
        .filter_map(|(key, value)| match key.strip_prefix("pooling_mode") {
            Some("") => value.as_str(),
            Some(mode) if value == &Value::Bool(true) => Some(mode.trim_start_matches('_')),
            _ => None,
        })
        .collect();
    match modes.as_slice() {
        ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["cls_token" | "cls"] => Ok(Pooling::Cls),
        _ => Err(unsupported(&file.path, "pooling_mode", modes.join(" + "), "mean or cls, one of them")),
    }
}
