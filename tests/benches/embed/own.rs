//! This project's encoder, with every engine that the machine has.

use crate::peer::{Peer, timed};
use std::{path::Path, time::Duration};
use trackside_inference::{Encoder, Engine, Instructions, Options, Precision};

struct Own {
    name: String,
    encoder: Encoder,
}

/// How the row of an engine is called.
pub fn name(engine: Engine) -> String {
    format!("own {} {}", engine.precision(), engine.instructions())
}

/// The row of the best engine with a precision.
pub fn best(precision: Precision) -> Option<String> {
    Engine::choose(precision, None).ok().map(name)
}

pub fn load(model: &Path, engine: Engine) -> Encoder {
    let options =
        Options { precision: engine.precision(), instructions: Some(engine.instructions()), ..Options::default() };
    Encoder::load(model, &options).expect("a model")
}

pub fn every_engine(model: &Path) -> Vec<Box<dyn Peer>> {
    // The VNNI families add nothing to what their bases do in fp32.
    let differs = |engine: &Engine| match engine.instructions() {
        Instructions::Portable => false,
        Instructions::AvxVnni | Instructions::Avx512Vnni => engine.precision() == Precision::Int8,
        _ => true,
    };
    let open = |engine| -> Box<dyn Peer> { Box::new(Own { name: name(engine), encoder: load(model, engine) }) };
    Engine::all_here().into_iter().filter(differs).map(open).collect()
}

impl Peer for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, texts: &[&[u32]]) -> Vec<(Duration, Vec<f32>)> {
        timed(texts, |ids| self.encoder.embed_ids(ids).expect("a vector").as_slice().to_vec())
    }
}
