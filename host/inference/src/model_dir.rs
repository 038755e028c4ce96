//! The files of a model directory as sentence-transformers lays them out, read with bounds and checked.

use crate::LoadError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

const MAX_JSON_BYTES: u64 = 1 << 20;
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
const MAX_WEIGHTS_BYTES: u64 = 4 << 30;

pub(crate) struct ModelDir<'a>(pub(crate) &'a Path);

/// A file's bytes with the path they came from, for messages.
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// The shape of the network, from `config.json`. All sizes are at least 1, and the heads divide the width.
#[derive(Debug, Deserialize)]
pub(crate) struct Architecture {
    #[serde(rename = "hidden_size")]
    pub(crate) width: usize,
    #[serde(rename = "num_hidden_layers")]
    pub(crate) layers: usize,
    #[serde(rename = "num_attention_heads")]
    pub(crate) heads: usize,
    #[serde(rename = "intermediate_size")]
    pub(crate) inner_width: usize,
    #[serde(rename = "vocab_size")]
    pub(crate) words: usize,
    #[serde(rename = "max_position_embeddings")]
    pub(crate) positions: usize,
    #[serde(rename = "type_vocab_size", default = "two")]
    pub(crate) types: usize,
    #[serde(rename = "layer_norm_eps", default = "tiny")]
    pub(crate) norm_epsilon: f32,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

/// How one vector is made from the vectors of all tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
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
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

// The values that the format gives to fields a config.json leaves out.
fn two() -> usize {
    2
}
fn tiny() -> f32 {
    1e-12
}
fn gelu() -> String {
    "gelu".into()
}
fn absolute() -> String {
    "absolute".into()
}

impl ModelDir<'_> {
    pub(crate) fn tokenizer(&self) -> Result<Contents, LoadError> {
        read(self.0.join("tokenizer.json"), MAX_TOKENIZER_BYTES)
    }

    pub(crate) fn weights(&self) -> Result<Contents, LoadError> {
        read(self.0.join("model.safetensors"), MAX_WEIGHTS_BYTES)
    }

    /// The architecture, and the file it was read from.
    pub(crate) fn architecture(&self) -> Result<(Architecture, Contents), LoadError> {
        let file = read(self.0.join("config.json"), MAX_JSON_BYTES)?;
        // Another architecture lacks fields of this one, so it must be refused by name before its fields are read.
        let raw: Map<String, Value> = parse(&file)?;
        let model_type = raw.get("model_type").and_then(Value::as_str).unwrap_or("");
        expect(&file.path, "model_type", model_type, model_type == "bert", "bert")?;
        let found: Architecture = parse(&file)?;
        found.check(&file.path)?;
        Ok((found, file))
    }

    /// The longest input in tokens that `sentence_bert_config.json` allows, if it says.
    pub(crate) fn max_tokens(&self) -> Result<Option<usize>, LoadError> {
        let file = optional(self.0.join("sentence_bert_config.json"))?;
        Ok(file.map(|file| parse::<SentenceConfig>(&file)).transpose()?.and_then(|config| config.max_seq_length))
    }

    /// The pooling that `modules.json` asks for; the mean without that file.
    pub(crate) fn pooling(&self) -> Result<Pooling, LoadError> {
        let Some(file) = optional(self.0.join("modules.json"))? else { return Ok(Pooling::Mean) };
        let mut pooling = Pooling::Mean;
        for module in parse::<Vec<Module>>(&file)? {
            match module.kind.rsplit('.').next() {
                // Vectors are scaled to length 1 whether or not the model says so.
                Some("Transformer" | "Normalize") => {}
                Some("Pooling") => pooling = read_pooling(self.0.join(module.path).join("config.json"))?,
                _ => expect(&file.path, "type", &module.kind, false, "Transformer, Pooling or Normalize")?,
            }
        }
        Ok(pooling)
    }
}

impl Architecture {
    fn check(&self, path: &Path) -> Result<(), LoadError> {
        let sizes = [
            ("hidden_size", self.width),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.inner_width),
            ("vocab_size", self.words),
            ("max_position_embeddings", self.positions),
            ("type_vocab_size", self.types),
        ];
        for (field, size) in sizes {
            expect(path, field, size, size > 0, "at least 1")?;
        }
        let divides = self.width.is_multiple_of(self.heads);
        expect(path, "num_attention_heads", self.heads, divides, "a divisor of hidden_size")?;
        let epsilon = self.norm_epsilon;
        expect(path, "layer_norm_eps", epsilon, epsilon > 0.0 && epsilon.is_finite(), "a positive number")?;
        expect(path, "hidden_act", &self.hidden_act, self.hidden_act == "gelu", "gelu")?;
        let kind = &self.position_embedding_type;
        expect(path, "position_embedding_type", kind, kind == "absolute", "absolute")
    }
}

fn read_pooling(path: PathBuf) -> Result<Pooling, LoadError> {
    let file = read(path, MAX_JSON_BYTES)?;
    let fields: Map<String, Value> = parse(&file)?;
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

fn expect(
    path: &Path,
    field: &str,
    found: impl ToString,
    holds: bool,
    expected: &'static str,
) -> Result<(), LoadError> {
    if holds { Ok(()) } else { Err(unsupported(path, field, found, expected)) }
}

pub(crate) fn unsupported(path: &Path, field: &str, found: impl ToString, expected: &'static str) -> LoadError {
    LoadError::Unsupported { path: path.into(), field: field.into(), found: found.to_string(), expected }
}

fn parse<T: DeserializeOwned>(file: &Contents) -> Result<T, LoadError> {
    serde_json::from_slice(&file.bytes).map_err(|source| LoadError::Json { path: file.path.clone(), source })
}

fn optional(path: PathBuf) -> Result<Option<Contents>, LoadError> {
    match read(path, MAX_JSON_BYTES) {
        Err(LoadError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Reads a regular file of at most `limit` bytes: a device or a file that grows must not fill the memory.
fn read(path: PathBuf, limit: u64) -> Result<Contents, LoadError> {
    let attempt = || -> io::Result<Option<Vec<u8>>> {
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > limit {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    match attempt() {
        Ok(Some(bytes)) => Ok(Contents { path, bytes }),
        Ok(None) => Err(LoadError::NotReadable { path, limit }),
        Err(source) => Err(LoadError::Read { path, source }),
    }
}
