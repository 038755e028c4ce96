//! How far the process is in its life, for everybody who acts on it.

use tokio::sync::watch;

/// A stretch of the process's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Not everything listens yet.
    Starting,
    /// Requests are welcome.
    Serving,
    /// Streams that are open end in peace; new ones should go elsewhere.
    Draining,
    /// No stream is left; whoever still answers probes and scrapers ends too.
    Ending,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Serving => "ready",
            Phase::Draining => "draining",
            Phase::Ending => "ending",
        }
    }
}

/// The present phase, and the changes to come.
#[derive(Clone, Debug)]
pub(crate) struct Phases(watch::Sender<Phase>);

impl Phases {
    pub(crate) fn starting() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    pub(crate) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until a phase, or a later one, has come.
    pub(crate) async fn reached(self, phase: Phase) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }
}
