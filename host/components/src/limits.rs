//! How much a component may take.

use crate::error::Stop;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// The bounds of one configured component. The defaults suit components written in Rust; other languages bring a
/// runtime and need about four times the memory and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory and tables of one instance, bytes.
    pub memory_bytes: usize,
    /// Elements of all tables of one instance, which hold its functions. No table has more than
    /// [`Limits::MOST_TABLE_ELEMENTS`].
    pub table_elements: usize,
    /// How many instances there may be at once, at least 1. A component that does not wait uses one per core; twice as many
    /// leave room for those that do.
    pub instances: usize,
    /// One call for a request.
    pub deadline: Duration,
    /// Instantiation and `configure` together, without the time in which the host embeds banks; `describe` too.
    pub configure_deadline: Duration,
    /// What one crossing may bring from the component to the host during a call, bytes. While it is configured, its
    /// memory is the bound.
    pub output_bytes: usize,
}

impl Limits {
    /// What is reserved for a table: ten times the largest seen, of a language runtime compiled without optimisation.
    pub const MOST_TABLE_ELEMENTS: usize = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 16 << 20,
            table_elements: 20_000,
            instances: 2 * cores(),
            deadline: Duration::from_millis(5),
            configure_deadline: Duration::from_secs(2),
            output_bytes: 4 << 20,
        }
    }
}

/// How many cores this process may use. The system is asked once: it reads files to answer.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Counts the memory of one store, and traps where it would pass the limit: a refused growth that the guest gets to see
/// would end in its own out-of-memory path, which nobody can tell from a fault.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    used: usize,
    limit: usize,
    elements: usize,
    most_elements: usize,
}

/// More than any toolchain makes of one component, and far less than what would hurt.
const MOST_CORE_INSTANCES: usize = 64;

impl MemoryMeter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { used: 0, limit: limits.memory_bytes, elements: 0, most_elements: limits.table_elements }
    }

    /// Whether an instance has grown so much that the next call may well not fit.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.used > self.limit / 4 * 3
    }

    fn grow(&mut self, by: usize) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(by);
        if used > self.limit {
            return Err(Stop::Memory.into());
        }
        self.used = used;
        Ok(true)
    }
}

impl wasmtime::ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let by = desired.saturating_sub(current);
        self.elements = self.elements.saturating_add(by);
        if self.elements > self.most_elements {
            return Err(Stop::Tables.into());
        }
        self.grow(by.saturating_mul(size_of::<usize>()))
    }

    fn instances(&self) -> usize {
        MOST_CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        MOST_CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        MOST_CORE_INSTANCES
    }
}
