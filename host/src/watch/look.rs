//! What a look at the files shows, to tell from the next look whether they are others: sizes and times, not contents.

use super::{Watched, reach};
use crate::stamp::{Identity, Stamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// All files and directories that count, as they were at one time.
#[derive(Debug, Default)]
pub(super) struct Look(BTreeMap<PathBuf, Seen>);

/// What is seen at a path.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// Of a directory only which one it is: its entries are looked at one by one, and whatever else comes and goes in it
    /// changes its times.
    Directory(Identity),
    /// `young` while a second change may look like the first: it counts as different when it no longer is.
    File {
        stamp: Stamp,
        young: bool,
    },
}

impl Look {
    /// Looks at everything.
    pub(super) fn at(watched: &Watched) -> Self {
        let mut look = Self::default();
        for file in &watched.files {
            look.0.insert(file.clone(), Seen::file(file));
        }
        for directory in &watched.directories {
            look.0.insert(directory.clone(), Seen::directory(directory));
            for entry in reach::entries(directory) {
                if entry.is_dir() {
                    let inner = reach::entries(&entry).into_iter();
                    look.0.extend(inner.map(|path| (path.clone(), Seen::file(&path))));
                } else {
                    look.0.insert(entry.clone(), Seen::file(&entry));
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

impl Seen {
    fn directory(path: &Path) -> Self {
        Identity::at(path).map_or(Self::Nothing, Self::Directory)
    }

    fn file(path: &Path) -> Self {
        Stamp::at(path).map_or(Self::Nothing, |stamp| {
            // Where times are finer, whoever acts on a change does so after the tick in which it came.
            let young = stamp.is_coarse() && !stamp.is_settled(SystemTime::now());
            Self::File { stamp, young }
        })
    }
}
