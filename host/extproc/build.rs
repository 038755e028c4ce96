//! Generates the ExtProc messages and stubs from `proto/` at the top of the repository.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let files = protox::compile(["envoy/service/ext_proc/v3/external_processor.proto"], [root])?;
    tonic_prost_build::configure()
        .bytes(".") // bodies and header values share the receive buffer instead of being copied out of it
        .btree_map(".") // one encoding per message, so that recorded bytes can be compared
        .codec_path("crate::codec::Lean")
        .include_file("envoy.rs")
        .compile_fds(files)?;
    Ok(())
}
