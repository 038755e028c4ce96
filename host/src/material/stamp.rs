//! Whether a file is the one that was read before, without reading it again.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use trackside_components::Digest;

/// A change within this time of the one before it may leave the same time on a file: clocks of file systems tick as slowly
/// as every 10 ms.
const TICK: Duration = Duration::from_millis(50);

/// Most files of a folder that are looked at. A model has about ten.
const MOST_ENTRIES: usize = 512;

/// What the system says about a file. It changes with every write, and with every file that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the next change will show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let since_1970 = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let changed = since_1970.map(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds));
        let changed = changed.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|age| age > TICK)
    }
}

/// The digests of files that were read, for as long as their stamps stay the same.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Mutex<BTreeMap<PathBuf, (Stamp, Digest)>>);

impl Stamps {
    /// The digest of a file's content, if it is known.
    pub(crate) fn digest(&self, path: &Path, stamp: Stamp) -> Option<Digest> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path).filter(|(before, _)| *before == stamp).map(|(_, digest)| *digest)
    }

    /// Remembers what was read, if a change since then would show. The stamp is that of before the reading.
    pub(crate) fn learn(&self, path: &Path, stamp: Stamp, digest: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_settled(SystemTime::now()) {
            known.insert(path.to_owned(), (stamp, digest));
        } else {
            known.remove(path);
        }
    }

    /// Forgets all files but these.
    pub(crate) fn retain(&self, wanted: impl Fn(&Path) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|path, _| wanted(path));
    }
}

/// The state of all files of a folder and of the folders in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FolderStamp(BTreeMap<PathBuf, Stamp>);

impl FolderStamp {
    /// Of a folder that is not there, nothing.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut stamp = Self::default();
        stamp.add(folder, Path::new(""), 2);
        stamp
    }

    fn add(&mut self, folder: &Path, below: &Path, levels: usize) {
        for entry in fs::read_dir(folder.join(below)).into_iter().flatten().filter_map(Result::ok) {
            let name = below.join(entry.file_name());
            // Through symbolic links, which models in caches of hubs are full of.
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            if self.0.len() >= MOST_ENTRIES {
                return;
            }
            if metadata.is_file() {
                self.0.insert(name, Stamp::of(&metadata));
            } else if metadata.is_dir() && levels > 1 {
                self.add(folder, &name, levels - 1);
            }
        }
    }
}
