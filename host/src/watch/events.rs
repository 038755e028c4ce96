//! What the operating system tells about watched directories, in our words.

use super::ground::{Inner, Shared};
use super::settle::Happening;
use crate::stamp::Identity;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Instant;

/// Where nobody tells that a writer has closed a file, each write may be the last.
const CLOSES_ARE_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The watches that are set.
#[derive(Debug)]
pub(super) struct Events {
    watcher: RecommendedWatcher,
    /// Each with its directory: another one may take the path.
    set: BTreeMap<PathBuf, Identity>,
    /// Whether a directory that cannot be watched was told in the log.
    told: bool,
}

impl Events {
    /// Begins without a directory.
    pub(super) fn start(shared: Weak<Shared>) -> notify::Result<Self> {
        let watcher = notify::recommended_watcher(move |event| {
            if let Some(shared) = shared.upgrade() {
                shared.hear(event);
            }
        })?;
        Ok(Self { watcher, set: BTreeMap::new(), told: false })
    }

    /// Watches these directories and no others. `lost` are those whose watches may stand on something else by now.
    pub(super) fn set(&mut self, directories: &BTreeSet<PathBuf>, lost: &BTreeSet<PathBuf>) {
        let watcher = &mut self.watcher;
        self.set.retain(|path, identity| {
            let keeps = directories.contains(path) && !lost.contains(path) && Identity::at(path) == Some(*identity);
            if !keeps {
                // A watch on a directory that was removed has ended already.
                let _ = watcher.unwatch(path);
            }
            keeps
        });
        for path in directories {
            if self.set.contains_key(path) {
                continue;
            }
            let Some(identity) = Identity::at(path) else { continue };
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.set.insert(path.clone(), identity);
                }
                Err(error) if !self.told => {
                    self.told = true;
                    let path = path.display();
                    tracing::warn!(event = "not_watched", %path, %error, "changes there are found by looking");
                }
                Err(_) => {}
            }
        }
    }
}

impl Shared {
    /// Takes note of an event. Runs on the watcher's own thread.
    pub(super) fn hear(&self, event: notify::Result<Event>) {
        let now = Instant::now();
        let mut inner = self.inner();
        match event {
            Ok(event) if !event.need_rescan() => {
                for path in &event.paths {
                    inner.hear(path, event.kind, now);
                }
            }
            // Events were lost, or the watcher failed: everything may be different.
            _ => inner.doubt(),
        }
        drop(inner);
        self.woken.notify_one();
    }
}

impl Inner {
    fn hear(&mut self, path: &Path, kind: EventKind, now: Instant) {
        if !self.reach.counts(path) {
            return;
        }
        let Some(happening) = happening(path, kind) else { return };
        let placed = matches!(happening, Happening::Moved | Happening::Ended);
        if placed && (self.reach.turns_at(path) || path.is_symlink() || path.is_dir()) {
            self.turned = true;
        }
        if self.reach.directories.contains(path) {
            if happening == Happening::Ended {
                self.lost.insert(path.to_owned());
            }
            // That a directory's own times changed says nothing about the files in it.
            if happening == Happening::Touched {
                return;
            }
        }
        self.settling.tell(path, happening, now);
    }
}

fn happening(path: &Path, kind: EventKind) -> Option<Happening> {
    match kind {
        EventKind::Create(CreateKind::Folder) => Some(Happening::Moved),
        EventKind::Create(_) => Some(created(path)),
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(Happening::Touched),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => Some(Happening::Ended),
        // It comes behind one event for each of its two paths.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if CLOSES_ARE_TOLD => None,
        EventKind::Modify(ModifyKind::Name(_)) => Some(Happening::Moved),
        EventKind::Modify(_) if CLOSES_ARE_TOLD => Some(Happening::Written),
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => Some(Happening::Differs),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Happening::Closed),
        EventKind::Access(_) => None,
    }
}

/// A new file without contents will be written; what is not a file, or has contents, was put there whole.
fn created(path: &Path) -> Happening {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && found.len() == 0 => Happening::Created,
        _ => Happening::Moved,
    }
}
