//! Where a component's machine code comes from.

use crate::artefact::{self, Verified};
use crate::code_cache::Found;
use crate::compiler::{Compiled, one_line};
use crate::digest::Digest;
use crate::engine::Engine;
use crate::error::LoadError;
use std::path::Path;
use std::time::{Duration, Instant};
use wasmtime::component::Component;

/// Where a component's machine code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// From the cache.
    Cached,
    /// From the compiler.
    Compiled,
    /// From the compiler, because what the cache held was damaged or not made here.
    Recompiled,
}

/// Machine code that can be linked.
pub(crate) struct MachineCode {
    pub(crate) component: Component,
    pub(crate) origin: CodeOrigin,
    /// How long it was compiled, without waiting for others.
    pub(crate) compiled_in: Duration,
}

impl Engine {
    /// The machine code of a component, from the cache or the compiler. Blocks.
    pub(crate) fn machine_code(&self, digest: Digest, wasm: &[u8]) -> Result<MachineCode, LoadError> {
        let origin = match self.cached(digest) {
            Ok(found) => return Ok(found),
            Err(origin) => origin,
        };
        let Some(program) = self.compile_queue().program() else {
            let started = Instant::now();
            let component =
                artefact::compile(self.wasmtime(), wasm).map_err(|error| invalid(digest, &format!("{error:#}")))?;
            let compiled_in = started.elapsed();
            if self.cache().is_some() {
                self.keep(digest, component.serialize().as_deref());
            }
            return Ok(MachineCode { component, origin, compiled_in });
        };
        let _turn = self.compile_queue().turn();
        // Whoever was before may have compiled the same.
        self.cached(digest).or_else(|_| self.compiled_apart(digest, wasm, program, origin))
    }

    fn cached(&self, digest: Digest) -> Result<MachineCode, CodeOrigin> {
        let found = self.cache().map_or(Found::Nothing, |cache| cache.look_up(digest, self.wasmtime()));
        match found {
            Found::Code(verified) => match artefact::load(self.wasmtime(), &verified) {
                Ok(component) => Ok(MachineCode { component, origin: CodeOrigin::Cached, compiled_in: Duration::ZERO }),
                Err(_) => Err(CodeOrigin::Recompiled),
            },
            Found::Refused => Err(CodeOrigin::Recompiled),
            Found::Nothing => Err(CodeOrigin::Compiled),
        }
    }

    fn compiled_apart(
        &self,
        digest: Digest,
        wasm: &[u8],
        program: &Path,
        origin: CodeOrigin,
    ) -> Result<MachineCode, LoadError> {
        let started = Instant::now();
        let compiled = self.compile_queue().compile(program, wasm);
        let code = match compiled.map_err(|source| LoadError::Compile { digest, source })? {
            Compiled::Code(code) => code,
            Compiled::Invalid(reason) => return Err(invalid(digest, &reason)),
        };
        let compiled_in = started.elapsed();
        self.keep(digest, Ok(&code));
        let component = artefact::load(self.wasmtime(), &Verified::vouch(code))
            .map_err(|error| invalid(digest, &format!("{error:#}")))?;
        Ok(MachineCode { component, origin, compiled_in })
    }

    /// Keeps machine code for the next start, which compiles again if that does not work.
    fn keep(&self, digest: Digest, code: Result<&[u8], &wasmtime::Error>) {
        let Some(cache) = self.cache() else { return };
        let kept = match code {
            Ok(code) => cache.store(digest, self.wasmtime(), code).map_err(|reason| reason.to_string()),
            Err(reason) => Err(reason.to_string()),
        };
        if let Err(reason) = kept {
            tracing::warn!(digest = %digest.short(), reason, "machine code was not cached");
        }
    }
}

fn invalid(digest: Digest, reason: &str) -> LoadError {
    LoadError::Invalid { digest, reason: one_line(reason) }
}
