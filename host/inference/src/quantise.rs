//! Makes a model a quarter of its size: 8-bit codes with a scale per row for every matrix, all else as it was.

use crate::{
    LoadError, Options,
    fingerprint::sha256,
    fused::Matrix,
    head::Head,
    model::{Model, ModelFiles},
    model_dir::ModelDir,
    network::{self, Levelled},
    sentence::{LENGTH_FILE, MODULES_FILE, Pooling},
    weights::{METHOD, METHOD_OF_ROWS, NAME, SCALE, SOURCE, Use, Weights},
};
use serde_json::{Map, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What quantising made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantised {
    pub name: String,
    /// How many matrices are codes now.
    pub matrices: usize,
    /// Sizes of the weights.
    pub bytes_before: usize,
    pub bytes_after: usize,
    /// Digests of the weights, as `sha256sum` prints them.
    pub sha256_before: String,
    pub sha256_after: String,
}

/// Why a model was not quantised.
#[derive(Debug, thiserror::Error)]
pub enum QuantiseError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{} is quantised already", path.display())]
    Already { path: PathBuf },
    #[error("{} is the model itself, expected another directory", path.display())]
    SamePlace { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Quantises the model of one directory into another, which is made if need be. The result loads like the original, has
/// the same [`model`](crate::Fingerprint::model) fingerprint, and is the same byte for byte wherever it is made.
///
/// # Errors
/// [`QuantiseError::Load`] when the model is none that this crate runs, and when a file cannot be written.
pub fn quantise(source: &Path, target: &Path) -> Result<Quantised, QuantiseError> {
    refuse_same_place(source, target)?;
    let dir = ModelDir::Disk(source);
    let files = ModelFiles::open(&dir)?;
    let weights = &files.weights;
    if weights.metadata(METHOD).is_some() {
        return Err(QuantiseError::Already { path: weights.file().path.clone() });
    }
    // Loading asks for every tensor that is used, and as what; what it does not ask for is left out.
    let model = Model::load(&files, &Options::default())?;
    if let Some(head) = files.config.head()? {
        Head::load(weights, &files.config, &head)?;
    }
    let (sha256_before, _) = weights.digests();
    let levels = network::levels(&files.config, weights, &model.tokens)?;
    let (bytes, matrices) = encode(weights, &levels, &model.about.name, &sha256_before)?;

    write(target, "config.json", &files.config.file.bytes)?;
    write(target, "tokenizer.json", &files.tokenizer.bytes)?;
    for file in [Some(MODULES_FILE.to_owned()), Some(LENGTH_FILE.to_owned()), Pooling::file(&dir)?] {
        if let Some(contents) = file.as_deref().map(|file| dir.optional_json(file)).transpose()?.flatten() {
            write(target, &file.unwrap_or_default(), &contents.bytes)?;
        }
    }
    write(target, "model.safetensors", &bytes)?;
    Ok(Quantised {
        name: model.about.name,
        matrices,
        bytes_before: weights.file().bytes.len(),
        bytes_after: bytes.len(),
        sha256_before,
        sha256_after: sha256(&bytes),
    })
}

/// A safetensors file of the tensors that were used, and how many of them are matrices.
fn encode(weights: &Weights, levels: &[Levelled], name: &str, source: &str) -> Result<(Vec<u8>, usize), LoadError> {
    let mut file = File::new(json!({ METHOD: METHOD_OF_ROWS, NAME: name, SOURCE: source }));
    let mut matrices = Vec::new();
    for (name, usage) in weights.used() {
        match usage {
            Use::Exact { shape } => {
                let values = weights.all().values(&name, &shape)?;
                file.push(&name, "F32", &shape, values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Use::Matrix { rows, columns } => matrices.push((name, rows, columns)),
        }
    }
    for level in levels {
        let bytes = level.factors.iter().flat_map(|factor| factor.to_le_bytes());
        file.push(&level.level_name, "F32", &[level.factors.len()], bytes);
    }
    // Codes come last, so that all numbers of four bytes lie at multiples of four.
    let mut codes = Vec::new();
    for (name, rows, columns) in &matrices {
        if let Matrix::F32 { mut values, .. } = weights.all().matrix(name, *rows, *columns)? {
            if let Some(level) = levels.iter().find(|level| level.weight_names.contains(name)) {
                let rows = values.chunks_exact_mut(*columns);
                rows.for_each(|row| row.iter_mut().zip(&level.factors).for_each(|(value, factor)| *value /= factor));
            }
            let (scales, bytes) = quantise_rows(&values, *columns);
            file.push(&format!("{name}{SCALE}"), "F32", &[*rows], scales.iter().flat_map(|scale| scale.to_le_bytes()));
            codes.push((name, [*rows, *columns], bytes));
        }
    }
    for (name, shape, bytes) in codes {
        file.push(name, "I8", &shape, bytes);
    }
    Ok((file.finish(), matrices.len()))
}

/// A scale for each row, and the row's numbers as multiples of it from -127 to 127.
fn quantise_rows(values: &[f32], columns: usize) -> (Vec<f32>, Vec<u8>) {
    let mut scales = Vec::with_capacity(values.len() / columns);
    let mut codes = Vec::with_capacity(values.len());
    for row in values.chunks_exact(columns) {
        let greatest = row.iter().fold(0.0f32, |greatest, value| greatest.max(value.abs()));
        let scale = greatest / 127.0;
        // A row of zeros has codes of zero, whatever its scale.
        let divisor = if scale > 0.0 { scale } else { 1.0 };
        scales.push(scale);
        codes.extend(row.iter().map(|value| ((value / divisor).round() as i8).max(-127).cast_unsigned()));
    }
    (scales, codes)
}

/// A safetensors file in the making.
struct File {
    header: Map<String, serde_json::Value>,
    data: Vec<u8>,
}

impl File {
    fn new(metadata: serde_json::Value) -> Self {
        Self { header: Map::from_iter([("__metadata__".to_owned(), metadata)]), data: Vec::new() }
    }

    fn push(&mut self, name: &str, kind: &str, shape: &[usize], bytes: impl IntoIterator<Item = u8>) {
        let begin = self.data.len();
        self.data.extend(bytes);
        let entry = json!({ "dtype": kind, "shape": shape, "data_offsets": [begin, self.data.len()] });
        self.header.insert(name.to_owned(), entry);
    }

    /// The length of the header, the header padded with blanks to a multiple of eight, and the numbers.
    fn finish(self) -> Vec<u8> {
        let mut header = serde_json::Value::Object(self.header).to_string();
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let length = (header.len() as u64).to_le_bytes();
        [&length, header.as_bytes(), &self.data].concat()
    }
}

fn refuse_same_place(source: &Path, target: &Path) -> Result<(), QuantiseError> {
    match (source.canonicalize(), target.canonicalize()) {
        (Ok(source), Ok(target)) if source == target => Err(QuantiseError::SamePlace { path: target }),
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, with the folders it is in.
fn write(target: &Path, file: &str, bytes: &[u8]) -> Result<(), QuantiseError> {
    let path = target.join(file);
    let partial = path.with_extension("partial");
    let folder = path.parent().unwrap_or(target);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&partial, bytes))
        .and_then(|()| fs::rename(&partial, &path))
        .map_err(|source| QuantiseError::Write { path, source })
}
