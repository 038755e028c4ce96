//! The tensors of a safetensors file, each checked before use.

use crate::{
    LoadError,
    fingerprint::sha256,
    fused::{LinearWeights, Matrix, NormWeights},
    model_dir::{Contents, unsupported},
};
use half::{bf16, f16};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo},
};
use std::{borrow::Cow, cell::RefCell, collections::BTreeMap};

/// Behind the name of a tensor of 8-bit codes, the name of the tensor with the scale of each of its rows.
pub(crate) const SCALE: &str = "_scale";

/// Keys of a quantised file's metadata: the digest of the file it was made from, that model's name, and how it was made.
pub(crate) const SOURCE: &str = "source_sha256";
pub(crate) const NAME: &str = "name";
pub(crate) const METHOD: &str = "quantisation";
/// The one method there is: symmetric, a scale per row.
pub(crate) const METHOD_OF_ROWS: &str = "int8-rows-1";

#[derive(Debug)]
pub(crate) struct Weights {
    file: Contents,
    header: Metadata,
    /// Where the tensors' numbers begin.
    begin: usize,
    prefix: &'static str,
    read: RefCell<BTreeMap<String, Use>>,
}

/// As what a tensor was read, and so how it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Use {
    Matrix { rows: usize, columns: usize },
    Exact { shape: Vec<usize> },
}

impl Weights {
    /// `words` is the name of the word table. Encoders saved as part of a larger network carry `prefix` in front of it and
    /// of all their names.
    pub(crate) fn parse(file: Contents, words: &str, prefix: &'static str) -> Result<Self, LoadError> {
        let parsed = SafeTensors::read_metadata(&file.bytes);
        let (length, header) = parsed.map_err(|source| LoadError::Weights { path: file.path.clone(), source })?;
        let nested = header.info(&format!("{prefix}{words}")).is_some();
        // The header comes behind its own length.
        let begin = length.saturating_add(size_of::<u64>());
        let weights = Self { file, header, begin, prefix: if nested { prefix } else { "" }, read: RefCell::default() };
        match weights.metadata(METHOD) {
            None | Some(METHOD_OF_ROWS) => Ok(weights),
            Some(other) => Err(unsupported(&weights.file.path, METHOD, other, METHOD_OF_ROWS)),
        }
    }

    /// The tensors by their whole names.
    pub(crate) fn all(&self) -> Tensors<'_> {
        Tensors { weights: self, prefix: "" }
    }

    /// The tensors of the encoder by the names that it gives them when it is alone.
    pub(crate) fn of_encoder(&self) -> Tensors<'_> {
        Tensors { weights: self, prefix: self.prefix }
    }

    /// Digests of the original weights, and of these.
    pub(crate) fn digests(&self) -> (String, String) {
        let source = self.metadata(SOURCE);
        let own = match (&self.file.bytes, source) {
            // What is inside the binary is what its source quantises to: reading all of it would only cost time.
            (Cow::Borrowed(_), Some(source)) => format!("{METHOD_OF_ROWS} {source}"),
            (bytes, _) => sha256(bytes),
        };
        (source.map_or_else(|| own.clone(), str::to_owned), own)
    }

    pub(crate) fn file(&self) -> &Contents {
        &self.file
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// Every tensor that was read so far, by its name in the file.
    pub(crate) fn used(&self) -> BTreeMap<String, Use> {
        self.read.borrow().clone()
    }

    fn bytes(&self, info: &TensorInfo) -> &[u8] {
        let (begin, end) = info.data_offsets;
        self.file.bytes.get(self.begin + begin..self.begin + end).unwrap_or_default()
    }

    /// The codes of a matrix. Those inside the binary stay where they are.
    fn codes(&self, info: &TensorInfo) -> Cow<'static, [i8]> {
        let (begin, end) = info.data_offsets;
        match &self.file.bytes {
            Cow::Borrowed(bytes) => {
                let bytes: &'static [u8] = bytes.get(self.begin + begin..self.begin + end).unwrap_or_default();
                Cow::Borrowed(bytemuck::cast_slice(bytes))
            }
            Cow::Owned(_) => Cow::Owned(bytemuck::cast_slice(self.bytes(info)).to_vec()),
        }
    }
}

/// The tensors of one part of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tensors<'a> {
    weights: &'a Weights,
    prefix: &'static str,
}

impl Tensors<'_> {
    /// The numbers of a tensor of this name and shape.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, LoadError> {
        let (name, info) = self.find(name, shape)?;
        let values = self.numbers(&name, info)?;
        self.weights.read.borrow_mut().insert(name, Use::Exact { shape: shape.to_vec() });
        Ok(values)
    }

    /// A matrix with a row per output, of numbers or of codes with a scale per row.
    pub(crate) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, LoadError> {
        let (name, info) = self.find(name, &[rows, columns])?;
        let matrix = if info.dtype == Dtype::I8 {
            let (scale_name, scale_info) = self.find_whole(format!("{name}{SCALE}"), &[rows])?;
            let scales = self.numbers(&scale_name, scale_info)?;
            let values = self.weights.codes(info);
            if values.contains(&i8::MIN) || scales.iter().any(|scale| *scale < 0.0) {
                return Err(unsupported(self.path(), &name, "out of range", "codes from -127 on and positive scales"));
            }
            Matrix::Int8 { rows, columns, values, scales }
        } else {
            Matrix::F32 { rows, columns, values: self.numbers(&name, info)? }
        };
        self.weights.read.borrow_mut().insert(name, Use::Matrix { rows, columns });
        Ok(matrix)
    }

    /// `{name}.weight` and, if there is one, `{name}.bias`.
    pub(crate) fn linear(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
        bias: Bias,
    ) -> Result<LinearWeights, LoadError> {
        Ok(LinearWeights {
            weight: self.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: self.bias(name, outputs, bias)?,
        })
    }

    pub(crate) fn norm(&self, name: &str, width: usize, epsilon: f32, bias: Bias) -> Result<NormWeights, LoadError> {
        Ok(NormWeights {
            weight: self.values(&format!("{name}.weight"), &[width])?,
            bias: self.bias(name, width, bias)?,
            epsilon,
        })
    }

    /// What the inputs of a product are multiplied by: powers of two, within reason.
    pub(crate) fn level(&self, name: &str, width: usize) -> Result<Vec<f32>, LoadError> {
        let level = self.values(name, &[width])?;
        if level.iter().any(|factor| !(1e-3..=1e3).contains(factor)) {
            return Err(unsupported(self.path(), name, "out of range", "factors from 0.001 to 1000"));
        }
        Ok(level)
    }

    pub(crate) fn are_quantised(&self) -> bool {
        self.weights.metadata(METHOD).is_some()
    }

    /// A name as it stands in the file.
    pub(crate) fn whole_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn bias(&self, name: &str, length: usize, bias: Bias) -> Result<Vec<f32>, LoadError> {
        match bias {
            Bias::Stored => self.values(&format!("{name}.bias"), &[length]),
            Bias::Zero => Ok(vec![0.0; length]),
        }
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<(String, &TensorInfo), LoadError> {
        self.find_whole(self.whole_name(name), shape)
    }

    fn find_whole(&self, name: String, shape: &[usize]) -> Result<(String, &TensorInfo), LoadError> {
        let path = || self.path().clone();
        match self.weights.header.info(&name) {
            None => Err(LoadError::MissingTensor { path: path(), name }),
            Some(info) if info.shape == shape => Ok((name, info)),
            Some(info) => {
                Err(LoadError::Shape { path: path(), name, found: info.shape.clone(), expected: shape.to_vec() })
            }
        }
    }

    fn numbers(&self, name: &str, info: &TensorInfo) -> Result<Vec<f32>, LoadError> {
        let bytes = self.weights.bytes(info);
        let halves = || bytes.as_chunks::<2>().0.iter();
        let values: Vec<f32> = match info.dtype {
            Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::F16 => halves().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
            Dtype::BF16 => halves().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
            other => return Err(unsupported(self.path(), name, format!("{other:?}"), "numbers in F32, F16 or BF16")),
        };
        // All at once rather than up to the first, because that is done in vector registers.
        if values.iter().fold(false, |found, value| found | !value.is_finite()) {
            return Err(LoadError::NotFinite { path: self.path().clone(), name: name.to_owned() });
        }
        Ok(values)
    }

    fn path(&self) -> &std::path::PathBuf {
        &self.weights.file.path
    }
}

/// Whether a layer's bias is in the file or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    Stored,
    Zero,
}

impl From<bool> for Bias {
    fn from(stored: bool) -> Self {
        if stored { Self::Stored } else { Self::Zero }
    }
}

/// The numbers of a matrix, row by row.
pub(crate) fn numbers(matrix: Matrix) -> Vec<f32> {
    match matrix {
        Matrix::F32 { values, .. } => values,
        Matrix::Int8 { columns, values, scales, .. } => {
            let rows = values.chunks_exact(columns).zip(scales);
            rows.flat_map(|(row, scale)| row.iter().map(move |code| f32::from(*code) * scale)).collect()
        }
    }
}
