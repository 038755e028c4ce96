//! Says when the files behind the live snapshot have changed, and that nobody is in the middle of writing them.
//!
//! [`Watch`] covers paths wherever their links lead (`reach`), hears from the operating system what happens there
//! (`events`), looks from time to time all the same (`look`), and waits until it is over (`settle`). It does not read
//! files: whether something that changed makes a difference is the reader's business.

mod arguments;
mod events;
mod ground;
mod look;
mod reach;
mod settle;
#[cfg(test)]
mod tests;

pub(crate) use arguments::Arguments;

use events::Events;
use ground::{Errand, Shared};
use std::collections::BTreeSet;
use std::path::{PathBuf, absolute};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

/// How often everything is looked at although the operating system tells of changes: what happens above the directories
/// that are watched, or on another machine that shares them, it does not tell.
const SWEEP: Duration = Duration::from_secs(5);

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchBy {
    /// The operating system tells.
    Events,
    /// By looking, this often.
    Poll(Duration),
    /// Not at all.
    Off,
}

/// What the next snapshot may be made of, whether or not it is there now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Files, under the names by which they are read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Directories of which every entry counts, and every entry of their folders.
    pub(crate) directories: BTreeSet<PathBuf>,
}

/// Waits for changes. It ends with its value.
#[derive(Debug)]
pub(crate) struct Watch {
    by: WatchBy,
    shared: Arc<Shared>,
    /// What is to be covered and is not yet.
    uncovered: Option<Watched>,
    sweep: Instant,
}

impl Watch {
    /// Begins with nothing to watch. Where the operating system cannot tell of changes, it looks instead, and says so in
    /// the log.
    pub(crate) fn start(by: WatchBy) -> Self {
        let shared = Arc::new(Shared::default());
        let by = match by {
            WatchBy::Events => match Events::start(Arc::downgrade(&shared)) {
                Ok(events) => {
                    shared.ground().events = Some(events);
                    WatchBy::Events
                }
                Err(error) => {
                    tracing::warn!(event = "no_watch", %error, "files are looked at instead, every {SWEEP:?}");
                    WatchBy::Poll(SWEEP)
                }
            },
            WatchBy::Poll(_) | WatchBy::Off => by,
        };
        Self { by, shared, uncovered: None, sweep: Instant::now() }
    }

    /// Watches these from now on, and nothing else. What is new among them counts as changed once: it may have changed
    /// after it was read.
    pub(crate) fn cover(&mut self, watched: &Watched) {
        let absolute = |paths: &BTreeSet<PathBuf>| paths.iter().filter_map(|path| absolute(path).ok()).collect();
        let (files, directories) = (absolute(&watched.files), absolute(&watched.directories));
        self.uncovered = Some(Watched { files, directories });
    }

    /// Waits until something has changed and has settled, and tells what. Each change is told at least once, and none
    /// while it goes on.
    ///
    /// It may be dropped at any time: nothing that was noticed is lost.
    pub(crate) async fn changed(&mut self) -> Vec<PathBuf> {
        let every = match self.by {
            WatchBy::Off => return std::future::pending().await,
            WatchBy::Poll(every) => every,
            WatchBy::Events => SWEEP,
        };
        loop {
            if let Some(watched) = self.uncovered.clone() {
                self.shared.send(Errand::Cover(watched)).await;
                self.uncovered = None;
            }
            if self.shared.inner().turned {
                self.shared.send(Errand::Follow).await;
            }
            let now = Instant::now();
            let due = self.shared.inner().settling.due();
            if due.is_some_and(|due| due <= now) {
                if let Some(changed) = self.settled(now).await {
                    return changed;
                }
                continue;
            }
            if self.sweep <= now {
                self.sweep = now + every;
                self.shared.send(Errand::Sweep).await;
                continue;
            }
            let wake = due.map_or(self.sweep, |due| due.min(self.sweep));
            tokio::select! {
                () = self.shared.woken.notified() => {}
                () = sleep_until(wake.into()) => {}
            }
        }
    }

    /// What to act on, unless a last look shows that it goes on.
    async fn settled(&mut self, now: Instant) -> Option<Vec<PathBuf>> {
        let errand = if let WatchBy::Poll(_) = self.by { Errand::Sweep } else { Errand::Remember };
        self.shared.send(errand).await;
        let mut inner = self.shared.inner();
        let over = inner.settling.due().is_none_or(|due| due <= now);
        over.then(|| inner.settling.take(now))
    }
}
