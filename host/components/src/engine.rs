//! The one WebAssembly engine of a process, and why it is set as it is.

use crate::abi::v0_1;
use crate::capability::Capabilities;
use crate::code_cache::CacheDir;
use crate::compiler::{Compiler, Queue};
use crate::configured::WeakConfigured;
use crate::declared::Shelf;
use crate::error::EngineError;
use crate::limits::Limits;
use crate::state::State;
use crate::ticker::Ticker;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

/// How an engine is set up.
#[derive(Debug)]
pub struct EngineOptions {
    /// Where machine code is kept between starts; without it every start compiles.
    pub cache: Option<CacheDir>,
    /// Where components are compiled while traffic flows.
    pub compiler: Compiler,
    /// How many instances all components may have together, where the address space is reserved at start.
    pub instances: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { cache: None, compiler: Compiler::default(), instances: 1000 }
    }
}

/// Loads components and runs them. Cheap to clone; there should be one in a process.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    ticker: Ticker,
    capabilities: Capabilities,
    cache: Option<CacheDir>,
    shelf: Arc<Shelf>,
    compile_queue: Queue,
    alive: Arc<AtomicU64>,
    configured: Mutex<Vec<WeakConfigured>>,
}

/// One of the instances that [`Engine::instances`] counts.
pub(crate) struct Alive(Arc<AtomicU64>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("compile_queue", &self.0.compile_queue).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes an engine. Starts one thread, which sleeps while nothing is called.
    ///
    /// # Errors
    /// When the machine cannot run one, or has no thread to give.
    pub fn new(options: EngineOptions, capabilities: Capabilities) -> Result<Self, EngineError> {
        let wasmtime = start(options.instances).map_err(EngineError::Engine)?;
        let mut linker = Linker::new(&wasmtime);
        v0_1::link(&mut linker).map_err(EngineError::Engine)?;
        let ticker = Ticker::start(wasmtime.weak()).map_err(EngineError::Thread)?;
        let EngineOptions { cache, compiler, instances: _ } = options;
        let (shelf, compile_queue, alive) = (Arc::default(), Queue::new(compiler), Arc::default());
        let configured = Mutex::default();
        let inner = Inner { wasmtime, linker, ticker, capabilities, cache, shelf, compile_queue, alive, configured };
        Ok(Self(Arc::new(inner)))
    }

    /// From now on requests are served, and what is still to be compiled is compiled where [`EngineOptions::compiler`] says.
    /// Until then it is compiled here, which is quicker.
    pub fn traffic_begins(&self) {
        self.0.compile_queue.traffic_begins();
    }

    /// Gives up what is being compiled apart, and refuses what would be: the process is about to end.
    pub fn stop_loading(&self) {
        self.0.compile_queue.close();
    }

    /// How many instances of components are alive, at rest or at work.
    #[must_use]
    pub fn instances(&self) -> u64 {
        self.0.alive.load(Ordering::Relaxed)
    }

    /// Drops the instances that were at rest all the time since this was called last, but one of each component: a crowd
    /// leaves more of them than what comes after it needs. Call it now and then, from a thread that serves nobody.
    pub fn rest(&self) {
        let configured = {
            let mut all = self.configured();
            all.retain(WeakConfigured::is_used);
            all.clone()
        };
        configured.iter().filter_map(WeakConfigured::upgrade).for_each(|configured| configured.shrink());
    }

    /// A component was configured.
    pub(crate) fn watch(&self, configured: WeakConfigured) {
        self.configured().push(configured);
    }

    fn configured(&self) -> MutexGuard<'_, Vec<WeakConfigured>> {
        self.0.configured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an instance for as long as what it returns is kept.
    pub(crate) fn count_instance(&self) -> Alive {
        self.0.alive.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(&self.0.alive))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(crate) fn linker(&self) -> Linker<State> {
        self.0.linker.clone()
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.0.ticker
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    pub(crate) fn compile_queue(&self) -> &Queue {
        &self.0.compile_queue
    }

    pub(crate) fn cache(&self) -> Option<&CacheDir> {
        self.0.cache.as_ref()
    }

    pub(crate) fn shelf(&self) -> &Arc<Shelf> {
        &self.0.shelf
    }
}

/// Reserving the address space of every instance at start makes new instances cheaper. Whether the system grants that
/// much is found out by asking for it; where it does not, instances reserve their own.
fn start(instances: u32) -> wasmtime::Result<wasmtime::Engine> {
    let pooled = InstanceAllocationStrategy::Pooling(pooling(instances));
    wasmtime::Engine::new(settings().allocation_strategy(pooled)).or_else(|reason| {
        tracing::info!(reason = %reason, "no address space for pooled instances: each reserves its own");
        wasmtime::Engine::new(&settings())
    })
}

/// What compiles for the engines of this program, and runs nothing: it reserves no address space.
pub(crate) fn compiler() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&settings())
}

fn settings() -> Config {
    let mut config = Config::new();
    config
        // Support for concurrent guests makes every call three to five times as slow, and no component here needs it.
        .concurrency_support(false)
        // A deadline costs 0 to 30 % on ordinary code, more in tight loops. Nothing runs without one.
        .epoch_interruption(true)
        .consume_fuel(false)
        // New instances share the pages that they do not write.
        .memory_init_cow(true)
        // With the whole 32-bit range reserved, generated code needs no bounds checks.
        .memory_reservation(4 << 30)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        // The larger address space would bring the bounds checks back, and no limit here is near 4 GiB.
        .wasm_memory64(false)
        .max_wasm_stack(512 << 10)
        // What is left of it belongs to host functions, which poll capabilities on this stack.
        .async_stack_size(2 << 20)
        // A trap costs 0.2 to 0.9 ms with a backtrace of frames without names.
        .wasm_backtrace_max_frames(None)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .native_unwind_info(false)
        .generate_address_map(false);
    config
}

fn pooling(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // A component brings a main module and a few small ones that join it to its imports.
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances.saturating_add(instances / 4))
        .total_tables(instances.saturating_mul(2))
        .total_stacks(instances)
        .table_elements(Limits::MOST_TABLE_ELEMENTS)
        // Resetting resident pages by hand was slower than giving them back, and held on to up to 200 MB.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0)
        .decommit_batch_size(1);
    pool
}
