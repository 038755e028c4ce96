//! The tensors of a safetensors file, each checked before use.

use crate::{
    LoadError,
    model_dir::{Contents, unsupported},
};
use candle_core::{DType, Device, Storage, Tensor, safetensors::SliceSafetensors};

pub(crate) struct Weights<'a> {
    file: &'a Contents,
    tensors: SliceSafetensors<'a>,
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    pub(crate) fn parse(file: &'a Contents) -> Result<Self, LoadError> {
        let tensors = SliceSafetensors::new(&file.bytes).map_err(|source| failed(file, source))?;
        // Encoders saved as part of a larger network carry its name in front.
        let nested = tensors.get("bert.embeddings.word_embeddings.weight").is_ok();
        Ok(Self { file, tensors, prefix: if nested { "bert." } else { "" } })
    }

    /// A tensor of this name and shape as finite `f32`.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LoadError> {
        let name = format!("{}{name}", self.prefix);
        let path = &self.file.path;
        let Ok(view) = self.tensors.get(&name) else {
            return Err(LoadError::MissingTensor { path: path.clone(), name });
        };
        if view.shape() != shape {
            let (found, expected) = (view.shape().to_vec(), shape.to_vec());
            return Err(LoadError::Shape { path: path.clone(), name, found, expected });
        }
        let failed = |source| self.failed(source);
        let stored = self.tensors.load(&name, &Device::Cpu).map_err(failed)?;
        if !stored.dtype().is_float() {
            return Err(unsupported(path, &name, stored.dtype().as_str(), "floating point numbers"));
        }
        let tensor = stored.to_dtype(DType::F32).map_err(failed)?;
        if !all_finite(&tensor).map_err(failed)? {
            return Err(LoadError::NotFinite { path: path.clone(), name });
        }
        Ok(tensor)
    }

    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, LoadError> {
        self.tensor(name, &[length])?.to_vec1().map_err(|source| self.failed(source))
    }

    pub(crate) fn failed(&self, source: candle_core::Error) -> LoadError {
        failed(self.file, source)
    }
}

fn failed(file: &Contents, source: candle_core::Error) -> LoadError {
    LoadError::Weights { path: file.path.clone(), source: Box::new(source) }
}

fn all_finite(tensor: &Tensor) -> candle_core::Result<bool> {
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(storage.as_slice::<f32>()?.iter().all(|value| value.is_finite())),
        _ => candle_core::bail!("the tensor is not in main memory"),
    }
}
