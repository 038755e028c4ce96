//! Which files are known by their stamps, and need not be read again.

use crate::stamp::Stamp;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use trackside_components::Digest;

/// Most files of a folder that are looked at. A model has about ten.
const MOST_ENTRIES: usize = 512;

/// The digests of files that were read, for as long as their stamps stay the same.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Mutex<BTreeMap<PathBuf, (Stamp, Digest)>>);

impl Stamps {
    /// The digest of a file's content, if it is known.
    pub(crate) fn digest(&self, path: &Path, stamp: Stamp) -> Option<Digest> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path).filter(|(before, _)| *before == stamp).map(|(_, digest)| *digest)
    }

    /// Remembers what was read, if a change since then would show. The stamp is that of before the reading, which began
    /// at `began`.
    pub(crate) fn learn(&self, path: &Path, stamp: Stamp, began: SystemTime, digest: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_settled(began) {
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
