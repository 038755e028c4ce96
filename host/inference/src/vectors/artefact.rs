//! Labelled vectors in a safetensors file.

use super::{Index, VectorsError};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

/// Vectors with a label each, as `trackside train` writes them: `vectors` (F32, or I8 together with `scales`, F32 of one a
/// row) of shape rows by dimensions, `labels` (U16, one a row), and in the metadata `model`, the identity of the model
/// that made the vectors. Other tensors are ignored.
#[derive(Debug)]
pub struct Labelled {
    /// The model, as [`Fingerprint::model`](crate::Fingerprint::model) names it.
    pub model: String,
    /// The vectors.
    pub index: Index,
    /// The label of every row.
    pub labels: Vec<u16>,
}

/// Why a file holds no labelled vectors.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    #[error("the file is not a safetensors file: {0}")]
    Unreadable(#[from] SafeTensorError),
    #[error("the file does not name its model: expected \"model\" in the metadata")]
    NoModel,
    #[error("tensor \"{0}\" is missing")]
    Missing(&'static str),
    #[error("tensor \"{tensor}\" is {found}, expected {expected}")]
    Type { tensor: &'static str, found: Dtype, expected: &'static str },
    #[error("tensor \"{tensor}\" has shape {found:?}, expected {expected}")]
    Shape { tensor: &'static str, found: Vec<usize>, expected: &'static str },
    #[error(transparent)]
    Vectors(#[from] VectorsError),
}

impl Labelled {
    /// Reads a file's bytes. Takes no more memory than there are bytes, whatever they say.
    ///
    /// # Errors
    /// Names what is missing or has another form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArtefactError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let model = header.metadata().as_ref().and_then(|pairs| pairs.get("model")).cloned();
        let model = model.ok_or(ArtefactError::NoModel)?;
        let file = SafeTensors::deserialize(bytes)?;
        let vectors = tensor(&file, "vectors")?;
        let &[rows, dimensions] = vectors.shape() else {
            return Err(shape("vectors", &vectors, "rows by dimensions"));
        };
        let index = match vectors.dtype() {
            Dtype::F32 => Index::new(dimensions, floats(vectors.data()))?,
            Dtype::I8 => {
                let scales = column(&file, "scales", Dtype::F32, "F32", rows)?;
                let codes = vectors.data().iter().map(|byte| byte.cast_signed()).collect();
                Index::quantised(dimensions, codes, floats(scales.data()))?
            }
            found => return Err(ArtefactError::Type { tensor: "vectors", found, expected: "F32 or I8" }),
        };
        let labels = column(&file, "labels", Dtype::U16, "U16", rows)?;
        let labels = labels.data().as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        Ok(Self { model, index, labels })
    }
}

fn tensor<'a>(file: &SafeTensors<'a>, name: &'static str) -> Result<TensorView<'a>, ArtefactError> {
    file.tensor(name).map_err(|_| ArtefactError::Missing(name))
}

/// A tensor with one number a row.
fn column<'a>(
    file: &SafeTensors<'a>,
    name: &'static str,
    dtype: Dtype,
    expected: &'static str,
    rows: usize,
) -> Result<TensorView<'a>, ArtefactError> {
    let column = tensor(file, name)?;
    if column.dtype() != dtype {
        return Err(ArtefactError::Type { tensor: name, found: column.dtype(), expected });
    }
    if column.shape() != [rows] {
        return Err(shape(name, &column, "one number for each row of \"vectors\""));
    }
    Ok(column)
}

fn shape(tensor: &'static str, found: &TensorView<'_>, expected: &'static str) -> ArtefactError {
    ArtefactError::Shape { tensor, found: found.shape().to_vec(), expected }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
