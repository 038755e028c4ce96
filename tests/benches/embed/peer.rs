//! Whatever makes a vector of token ids.

use ort::{
    environment::Environment,
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

pub trait Peer {
    fn name(&self) -> &str;

    /// Embeds the texts one by one, each with the time it took.
    fn run(&mut self, texts: &[&[u32]]) -> Vec<(Duration, Vec<f32>)>;
}

/// Times one text after the other.
pub fn timed(texts: &[&[u32]], mut embed: impl FnMut(&[u32]) -> Vec<f32>) -> Vec<(Duration, Vec<f32>)> {
    let one = |ids: &&[u32]| {
        let begun = Instant::now();
        let vector = embed(ids);
        (begun.elapsed(), vector)
    };
    texts.iter().map(one).collect()
}

/// The library, out of the Python wheel.
pub struct OnnxRuntime(Environment);

struct OnnxModel {
    name: &'static str,
    session: Session,
}

impl OnnxRuntime {
    pub fn load(venv: &Path) -> Self {
        let python = fs::read_dir(venv.join("lib")).expect("the venv").next().expect("a Python").expect("its folder");
        let capi = python.path().join("site-packages/onnxruntime/capi");
        let library = fs::read_dir(&capi)
            .expect("ONNX Runtime")
            .map(|entry| entry.expect("a file").path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so")))
            .expect("libonnxruntime.so");
        println!("ONNX Runtime: {}", library.file_name().expect("a name").display());
        Self(ort::init_from(library).expect("a library that loads").build().expect("an environment"))
    }

    pub fn open(&self, name: &'static str, file: &Path) -> Box<dyn Peer> {
        let open = || -> ort::Result<Session> {
            Session::builder(&self.0)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .commit_from_file(file)
        };
        Box::new(OnnxModel { name, session: open().expect("an ONNX model") })
    }
}

impl Peer for OnnxModel {
    fn name(&self) -> &str {
        self.name
    }

    fn run(&mut self, texts: &[&[u32]]) -> Vec<(Duration, Vec<f32>)> {
        timed(texts, |ids| {
            let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
            let input = TensorRef::from_array_view(([1, ids.len()], ids.as_slice())).expect("a tensor");
            let outputs = self.session.run(ort::inputs!["ids" => input]).expect("a pass");
            outputs["vector"].try_extract_tensor::<f32>().expect("a vector").1.to_vec()
        })
    }
}
