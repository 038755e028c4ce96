//! What an embedding costs: every engine of this machine beside ONNX Runtime, and OpenVINO where it installs, on the same token
//! ids, in turns, on one core; then how far the vectors are from those of ONNX Runtime in fp32; then many callers on two cores.
//!
//! `tests/bench.sh embed` makes the peers' files first. Nothing fails here: a verdict is a line that says bar and measured.

mod cores;
mod fidelity;
mod latency;
mod openvino;
mod own;
mod peak;
mod peer;
mod texts;
mod throughput;
mod verdict;

use peer::{OnnxRuntime, Peer};
use std::{path::PathBuf, thread};
use texts::Texts;
use verdict::Verdicts;

const ORT_FP32: &str = "ort fp32";
const ORT_INT8: &str = "ort int8";

fn main() {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench-embed");
    let model = place.join("model");
    if !place.join("int8.onnx").exists() {
        return println!("skipped: {} lacks the peers' files, tests/bench.sh embed makes them", place.display());
    }
    let texts = Texts::load(&model);
    let mut verdicts = Verdicts::default();
    let cores = cores::allowed();
    let lone = *cores.last().expect("a core");

    thread::scope(|scope| {
        let measured = scope.spawn(|| {
            cores::pin(&[lone]);
            let runtime = OnnxRuntime::load(&place.join("venv"));
            let mut peers: Vec<Box<dyn Peer>> = vec![
                runtime.open(ORT_FP32, &place.join("fp32.onnx")),
                runtime.open(ORT_INT8, &place.join("int8.onnx")),
            ];
            peers.extend(openvino::start(&place));
            peers.extend(own::every_engine(&model));
            latency::measure(&mut peers, &texts, &mut verdicts);
            fidelity::measure(&mut peers, &texts, &mut verdicts);
        });
        measured.join().expect("the measurement on one core");
    });
    throughput::measure(&model, &texts, &cores, &mut verdicts);
    verdicts.print();
}
