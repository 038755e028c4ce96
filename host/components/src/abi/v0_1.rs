//! Version 0.1 of `trackside:router`.

mod compare;
mod exports;
mod host;

pub(crate) use exports::{Exports, Indices, interface_of};

/// What `wasmtime` generates from the contract.
#[allow(missing_docs, reason = "the WIT files document these types item by item")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "host",
        imports: {
            "trackside:router/embeddings": async,
            "trackside:router/key-value": async,
            "trackside:router/neighbours": async,
        },
        exports: { default: async },
    });
}

/// The WIT package.
pub(crate) const PACKAGE: &str = "trackside:router";

/// The version that the host's bindings were made from.
pub(crate) const VERSION: &str = "0.1.0";

/// Interfaces that every component may import.
pub(crate) const ALWAYS_GRANTED: [&str; 7] = ["types", "current", "log", "metrics", "clock", "random", "artefact"];

/// Whether a component built for this version runs here: versions that differ only in the last number are compatible.
pub(crate) fn serves(version: &str) -> bool {
    let patch = version.strip_prefix("0.1.");
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Gives components everything that the contract lets them import. Which of it a component may have is decided by its
/// import list before it is instantiated.
pub(crate) fn link(linker: &mut wasmtime::component::Linker<crate::state::State>) -> wasmtime::Result<()> {
    bindings::Host_::add_to_linker::<_, wasmtime::component::HasSelf<_>>(linker, |state| state)
}
