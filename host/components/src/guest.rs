//! One instance and its calls.

use crate::abi::v0_1::{Exports, Indices};
use crate::call::{self, Bounds, guarded};
use crate::engine::Alive;
use crate::error::{CallError, Stop};
use crate::state::{Scope, State};
use std::sync::Arc;
use wasmtime::component::InstancePre;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

/// What instances of a component are made from.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: Indices,
}

/// An instance. It answers one call at a time, and is dropped unless the call ended well.
pub(crate) struct Guest {
    pub(crate) store: Store<State>,
    exports: Exports,
    _alive: Alive,
}

impl Guest {
    /// Makes an instance and runs its first call, both within the same bounds: instantiation runs guest code too.
    pub(crate) async fn start<T>(
        code: &Code,
        scope: Arc<Scope>,
        bounds: Bounds<'_>,
        first: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<(Self, T), CallError> {
        let alive = bounds.engine.count_instance();
        let mut store = call::store(bounds.engine, scope, bounds.limits);
        let (exports, answer) = guarded(&mut store, bounds, async |store| {
            let instance = code.pre.instantiate_async(&mut *store).await.map_err(name_the_stage)?;
            let exports = code.indices.load(&mut *store, &instance).map_err(name_the_stage)?;
            let answer = first(&exports, store).await?;
            Ok((exports, answer))
        })
        .await?;
        Ok((Self { store, exports, _alive: alive }, answer))
    }

    pub(crate) async fn call<T>(
        &mut self,
        bounds: Bounds<'_>,
        work: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let exports = &self.exports;
        guarded(&mut self.store, bounds, async |store| work(exports, store).await).await
    }
}

/// Keeps errors that say by their type what happened, and marks the rest, so that they do not pass as bad data.
fn name_the_stage(error: wasmtime::Error) -> wasmtime::Error {
    if error.is::<Stop>() || error.is::<Trap>() || error.is::<PoolConcurrencyLimitError>() {
        return error;
    }
    Stop::Instantiate(format!("{error:#}")).into()
}
