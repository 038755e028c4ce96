//! What a guest's store holds beside the guest.

use crate::artefact_file::ArtefactFile;
use crate::capability::{Capabilities, Embed};
use crate::current::Current;
use crate::declared::{Declarations, Kept, Shelf};
use crate::limits::MemoryMeter;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The contract's limit on log lines of one call.
const LINES_PER_CALL: u32 = 20;

/// The contract's limit on metric names of one component.
const MOST_METRIC_NAMES: usize = 50;

/// What all instances of one configured component share.
pub(crate) struct Scope {
    /// The type it serves; before that is known, the start of its digest.
    pub(crate) component: String,
    pub(crate) capabilities: Capabilities,
    /// The model, for a component that may compare texts.
    pub(crate) embed: Arc<dyn Embed>,
    /// Whether it said that it reads the whole body.
    pub(crate) reads_body: bool,
    pub(crate) metric_names: Arc<MetricNames>,
    /// The file that the configuration gives to it.
    pub(crate) artefact: Option<ArtefactFile>,
    pub(crate) shelf: Arc<Shelf>,
    /// What the first instance declared, once it is built.
    pub(crate) kept: OnceLock<Kept>,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("component", &self.component).finish_non_exhaustive()
    }
}

/// The metric names that a component has used: bounded, because each one is a series for ever.
#[derive(Debug, Default)]
pub(crate) struct MetricNames(Mutex<HashSet<String>>);

impl MetricNames {
    /// Whether a name is well formed and there is room for it.
    pub(crate) fn admit(&self, name: &str) -> bool {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(letters) {
            return false;
        }
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.contains(name) || (names.len() < MOST_METRIC_NAMES && names.insert(name.to_owned()))
    }
}

/// The state of one instance.
pub(crate) struct State {
    pub(crate) scope: Arc<Scope>,
    pub(crate) memory: MemoryMeter,
    /// The request that the call is about; nothing between calls and while configuring.
    pub(crate) current: Option<Arc<dyn Current>>,
    pub(crate) deadline: Instant,
    /// What `configure` has declared so far; taken when it has ended.
    pub(crate) declared: Declarations,
    lines: u32,
}

impl State {
    pub(crate) fn new(scope: Arc<Scope>, memory: MemoryMeter) -> Self {
        let deadline = Instant::now();
        Self { scope, memory, current: None, deadline, declared: Declarations::default(), lines: 0 }
    }

    pub(crate) fn begin(&mut self, current: Option<Arc<dyn Current>>, deadline: Instant) {
        self.current = current;
        self.deadline = deadline;
        self.lines = 0;
    }

    /// Lets go of the request, and tells how much of the log was lost.
    pub(crate) fn end(&mut self) {
        self.current = None;
        let dropped = self.lines.saturating_sub(LINES_PER_CALL);
        if dropped > 0 {
            self.scope.capabilities.log.dropped(&self.scope.component, dropped);
        }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether one more line fits into this call.
    pub(crate) fn may_log(&mut self) -> bool {
        self.lines = self.lines.saturating_add(1);
        self.lines <= LINES_PER_CALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_checked_and_bounded() {
        let names = MetricNames::default();
        for bad in ["", "Upper", "with-dash", "blank blank", &"x".repeat(65)] {
            assert!(!names.admit(bad), "{bad:?} was admitted");
        }
        for n in 0..MOST_METRIC_NAMES {
            assert!(names.admit(&format!("name_{n}")));
        }
        assert!(names.admit("name_7"), "a known name stays admitted");
        assert!(!names.admit("one_more"));
    }
}
