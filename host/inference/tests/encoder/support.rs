//! The tiny models that `reference/tiny_models.py` wrote, and ways to spoil copies of them.
#![allow(dead_code, reason = "each test crate uses some of it")]

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use trackside_inference::{Engine, Options};

pub(crate) fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// What the reference implementation computed with a model.
pub(crate) fn cases(name: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(reference(name).join("expected.json")).unwrap()).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f32> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A copy of a tiny model in a directory of this name, which is emptied first.
pub(crate) fn copy(model: &str, name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(reference(model).join(file), dir.join(file)).unwrap();
    }
    dir
}

pub(crate) fn write_json(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

/// Sets a field of a JSON file.
pub(crate) fn set(path: &Path, field: &str, value: Value) {
    let mut file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    file[field] = value;
    write_json(path, &file);
}

#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) kind: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// The tensors of a file by name, and its metadata.
pub(crate) fn tensors(path: &Path) -> (Vec<Tensor>, HashMap<String, String>) {
    let bytes = fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut found: Vec<Tensor> = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| Tensor {
            name: name.into(),
            kind: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    (found, header.metadata().clone().unwrap_or_default())
}

pub(crate) fn save(path: &Path, tensors: &[Tensor], metadata: HashMap<String, String>) {
    let views = tensors
        .iter()
        .map(|tensor| (&tensor.name, TensorView::new(tensor.kind, tensor.shape.clone(), &tensor.bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

/// Changes the tensors of a model.
pub(crate) fn change(dir: &Path, change: impl FnOnce(&mut Vec<Tensor>)) {
    let path = dir.join("model.safetensors");
    let (mut all, metadata) = tensors(&path);
    change(&mut all);
    save(&path, &all, metadata);
}

/// Ways to run a model: every engine of this machine.
pub(crate) fn ways() -> impl Iterator<Item = Options> {
    Engine::all_here().into_iter().map(|engine| Options {
        precision: engine.precision(),
        instructions: Some(engine.instructions()),
        ..Options::default()
    })
}

/// The model that `tests/setup.sh` fetches; `None`, said aloud, where it has not run.
pub(crate) fn mini_lm() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/all-MiniLM-L6-v2");
    if !dir.exists() {
        println!("skipped: no model in {}; tests/setup.sh fetches it", dir.display());
        return None;
    }
    Some(dir)
}

/// Random numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
