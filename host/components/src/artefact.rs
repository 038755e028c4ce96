//! Turns components into machine code and machine code back into components: the only unsafe code of the host.
#![allow(unsafe_code)]

use wasmtime::component::Component;

/// Machine code that came out of this program's own compiler, unchanged: [`crate::code_cache`] makes one only after
/// checking a MAC whose key nobody else can read, and [`crate::machine_code`] of what the compiler's process, which is this
/// program too, has written into a pipe that nobody else holds.
pub(crate) struct Verified(Vec<u8>);

impl Verified {
    /// Vouches for bytes. Call it for nothing but bytes whose MAC was checked or that were read from the compiler's pipe, in
    /// memory that nobody else writes.
    pub(crate) fn vouch(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Loads machine code. The bytes that were verified are the bytes that are loaded: mapping the file instead would save
/// 0.1 to 2 ms for a Rust component, and let a change to the file after the check become code.
pub(crate) fn load(engine: &wasmtime::Engine, code: &Verified) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` trusts its input to be what `Component::serialize` wrote. `Verified` holds that, and wasmtime
    // itself refuses code of another version, another target or other engine settings.
    unsafe { Component::deserialize(engine, &code.0) }
}

/// Compiles a component.
pub(crate) fn compile(engine: &wasmtime::Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
    Component::from_binary(engine, wasm)
}
