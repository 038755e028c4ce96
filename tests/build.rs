//! Builds the components that misbehave; a test names one by its package, as `misbehaving.wasm` in the output folder.

#[path = "../host/guests/build/wasm.rs"]
mod wasm;

use std::path::Path;
use std::process;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("cargo::rerun-if-changed={}", root.join("tests/misbehaving").display());
    let packages = ["trackside-covetous", "trackside-misbehaving"].map(str::to_owned);
    if let Err(reason) = wasm::build(&root, &packages) {
        println!("cargo::error={reason}");
        process::exit(1);
    }
}
