//! What is watched, and what is known about it: shared by the watcher's thread, by threads that look at files, and by
//! [`Watch::changed`](super::Watch::changed).

use super::Watched;
use super::events::Events;
use super::look::Look;
use super::reach::Reach;
use super::settle::{Happening, Settling};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    /// Held while directories are covered or looked at: the file system must not be waited for with `inner`.
    ground: Mutex<Ground>,
    /// Something was heard.
    pub(super) woken: Notify,
}

/// What is heard, and from where.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) reach: Reach,
    pub(super) settling: Settling,
    /// Whether ways may lead elsewhere than `reach` says.
    pub(super) turned: bool,
    /// Directories whose watches may stand on something else.
    pub(super) lost: BTreeSet<PathBuf>,
}

/// What is seen, and where.
#[derive(Debug, Default)]
pub(super) struct Ground {
    pub(super) events: Option<Events>,
    watched: Watched,
    look: Look,
}

/// What to look at files for.
#[derive(Debug)]
pub(super) enum Errand {
    /// Cover these from now on.
    Cover(Watched),
    /// Follow all ways again.
    Follow,
    /// Find what nobody told of.
    Sweep,
    /// Remember what there is, since all of it is about to be read.
    Remember,
}

impl Shared {
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ground(&self) -> MutexGuard<'_, Ground> {
        self.ground.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an errand run where waiting for a disk hurts nobody.
    pub(super) async fn send(self: &Arc<Self>, errand: Errand) {
        let shared = Arc::clone(self);
        // Only a panic could make it fail, and then what was not seen now is seen by the next sweep.
        let _ = spawn_blocking(move || shared.run(errand)).await;
    }

    fn run(&self, errand: Errand) {
        let mut ground = self.ground();
        match errand {
            Errand::Cover(watched) => {
                self.cover(&mut ground, watched);
                self.compare(&mut ground);
            }
            Errand::Follow => {
                self.follow(&mut ground);
                self.compare(&mut ground);
            }
            Errand::Sweep => self.compare(&mut ground),
            Errand::Remember => ground.look = Look::at(&ground.watched),
        }
    }

    fn cover(&self, ground: &mut Ground, watched: Watched) {
        let known = std::mem::replace(&mut ground.watched, watched);
        self.follow(ground);
        let files = ground.watched.files.difference(&known.files);
        let new: Vec<_> = files.chain(ground.watched.directories.difference(&known.directories)).collect();
        if new.is_empty() {
            return;
        }
        // What is told here needs not be found again.
        ground.look.extend(Look::at(&ground.watched), |path| new.iter().any(|new| path.starts_with(new)));
        let now = Instant::now();
        let mut inner = self.inner();
        for path in new {
            inner.settling.tell(path, Happening::Moved, now);
        }
    }

    /// Finds what is others than at the last look.
    fn compare(&self, ground: &mut Ground) {
        let look = Look::at(&ground.watched);
        let earlier = std::mem::replace(&mut ground.look, look);
        let (differences, now) = (ground.look.differences(&earlier), Instant::now());
        let mut inner = self.inner();
        for path in differences {
            // Where events come, they say more about a path than that it differs.
            if ground.events.is_none() || !inner.settling.knows(&path) {
                inner.settling.tell(&path, Happening::Differs, now);
            }
        }
    }

    /// Follows all ways, and watches what lies on them. A way that changes meanwhile is followed again.
    fn follow(&self, ground: &mut Ground) {
        const MOST_TURNS: usize = 8;
        for _ in 0..MOST_TURNS {
            let reach = Reach::of(&ground.watched);
            let mut inner = self.inner();
            let lost = std::mem::take(&mut inner.lost);
            let same = inner.reach == reach && lost.is_empty();
            inner.turned = false;
            inner.reach = reach.clone();
            drop(inner);
            if let Some(events) = &mut ground.events {
                events.set(&reach.directories, &lost);
            }
            if same {
                return;
            }
        }
    }
}

impl Inner {
    /// Counts everything as changed.
    pub(super) fn doubt(&mut self) {
        let now = Instant::now();
        self.turned = true;
        let everything: Vec<_> = self.reach.files.iter().chain(&self.reach.listed).cloned().collect();
        for path in everything {
            self.settling.tell(&path, Happening::Differs, now);
        }
    }
}
