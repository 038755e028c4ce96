//! What a look at the files shows, to tell from the next look whether they are others: sizes and times, not contents.

use super::{Watched, reach};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// On file systems that count whole seconds a second change may look like the first. One within this time is told again.
const COARSE: Duration = Duration::from_secs(2);

/// All files and directories that count, as they were at one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Look(BTreeMap<PathBuf, Option<Signature>>);

/// Tells one state of a file from another. Every way to change a file changes the last of its times.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    device: u64,
    inode: u64,
    bytes: u64,
    written: (i64, i64),
    changed: (i64, i64),
    /// Whether the same times could come again.
    young: bool,
}

impl Look {
    /// Looks at everything.
    pub(super) fn at(watched: &Watched) -> Self {
        let mut look = Self::default();
        for file in &watched.files {
            look.0.insert(file.clone(), Signature::of(file));
        }
        for directory in &watched.directories {
            look.0.insert(directory.clone(), Signature::of_directory(directory));
            for entry in reach::entries(directory) {
                if entry.is_dir() {
                    let inner = reach::entries(&entry).into_iter().map(|path| (path.clone(), Signature::of(&path)));
                    look.0.extend(inner);
                } else {
                    look.0.insert(entry.clone(), Signature::of(&entry));
                }
            }
        }
        look
    }

    /// Takes over what another look shows of some paths.
    pub(super) fn extend(&mut self, other: Look, wanted: impl Fn(&Path) -> bool) {
        self.0.extend(other.0.into_iter().filter(|(path, _)| wanted(path)));
    }

    /// What is there in one of the two looks alone, or differs.
    pub(super) fn differences(&self, earlier: &Look) -> Vec<PathBuf> {
        let gone = earlier.0.keys().filter(|path| !self.0.contains_key(*path));
        let others = self.0.iter().filter(|(path, now)| earlier.0.get(*path) != Some(now)).map(|(path, _)| path);
        others.chain(gone).cloned().collect()
    }
}

impl Signature {
    /// Follows links. Nothing when nothing is there, or nothing that may be seen.
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let changed = (found.ctime(), found.ctime_nsec());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = now.as_secs().saturating_sub(u64::try_from(changed.0).unwrap_or_default());
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed,
            young: changed.1 == 0 && age < COARSE.as_secs(),
        })
    }

    /// Of a directory only which one it is: its entries are looked at one by one, and whatever else comes and goes in it
    /// changes its times.
    fn of_directory(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let (device, inode) = (found.dev(), found.ino());
        Some(Self { device, inode, bytes: 0, written: (0, 0), changed: (0, 0), young: false })
    }
}
