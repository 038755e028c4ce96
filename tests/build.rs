//! Builds the components that tests need, most of which misbehave; a test names one by its package, as
//! `trackside_misbehaving.wasm` in the output folder.

#[path = "../host/guests/build/wasm.rs"]
mod wasm;

use std::path::Path;
use std::process;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for sources in ["examples/hot-swap", "tests/misbehaving", "tests/stamp"] {
        println!("cargo::rerun-if-changed={}", root.join(sources).display());
    }
    let packages =
        ["contrary", "covetous", "example-cheapest", "example-strongest", "meddling", "misbehaving", "stamp"]
            .map(|name| format!("trackside-{name}"));
    if let Err(reason) = wasm::build(&root, &packages) {
        println!("cargo::error={reason}");
        process::exit(1);
    }
}
