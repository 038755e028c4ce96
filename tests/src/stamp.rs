//! Versions of a component that says which one it is, each with a digest that nobody has seen before.

use bytes::Bytes;

const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trackside_stamp.wasm"));
/// What the component has in the place of its version when it is compiled.
const VERSION: &[u8] = b"v-stamp-version-0000000000000000";

/// What a version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Sets the request header `x-stamp`.
    Stamps,
    /// Traps while it is configured.
    TrapsInConfigure,
    /// Traps while it is asked about a request.
    TrapsInEvaluate,
}

/// What a version writes into `x-stamp`.
pub fn version(deed: Deed, number: u64) -> String {
    let first = match deed {
        Deed::Stamps => 'v',
        Deed::TrapsInConfigure => 'c',
        Deed::TrapsInEvaluate => 'e',
    };
    format!("{first}-stamp-version-{number:016x}")
}

/// The component of a version.
pub fn wasm(deed: Deed, number: u64) -> Bytes {
    let places: Vec<_> =
        COMPILED.windows(VERSION.len()).enumerate().filter(|(_, bytes)| *bytes == VERSION).map(|(at, _)| at).collect();
    let [at] = places[..] else { panic!("the version stands {} times in the component", places.len()) };
    let mut wasm = COMPILED.to_vec();
    wasm[at..at + VERSION.len()].copy_from_slice(version(deed, number).as_bytes());
    wasm.into()
}
