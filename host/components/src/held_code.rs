//! The machine code of a component, which may be given back while nothing is configured with it.

use crate::guest::Code;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(crate) struct HeldCode(Mutex<Held>);

struct Held {
    /// Nothing while it is put away.
    own: Option<Arc<Code>>,
    /// What is configured with it holds it too.
    used: Weak<Code>,
}

impl HeldCode {
    pub(crate) fn new(code: Code) -> Self {
        let code = Arc::new(code);
        Self(Mutex::new(Held { used: Arc::downgrade(&code), own: Some(code) }))
    }

    /// The code, unless it is put away and nobody uses it.
    pub(crate) fn get(&self) -> Option<Arc<Code>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.own.clone().or_else(|| held.used.upgrade())
    }

    /// Leaves it to those who use it.
    pub(crate) fn put_away(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).own = None;
    }

    /// Takes the code that was loaded again, which lives for as long as somebody uses it.
    pub(crate) fn lend(&self, code: Code) -> Arc<Code> {
        let code = Arc::new(code);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).used = Arc::downgrade(&code);
        code
    }
}
