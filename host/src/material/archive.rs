//! The bytes of files that earlier generations were made of, so that a way back does not depend on what lies on disk now.

use crate::user_cache;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_components::Digest;

/// The file that a process holds locked for as long as it uses its folder.
const LOCK: &str = "lock";

/// A folder of this process alone, with one file for each digest. The system unlocks it when the process ends, however that
/// comes about, and the next process of the same user clears it away.
#[derive(Debug)]
pub(crate) struct Archive {
    folder: PathBuf,
    /// Held, never written.
    _lock: File,
}

impl Archive {
    /// A new folder below the one for all processes in the user's cache.
    ///
    /// # Errors
    /// Says why there can be none.
    pub(crate) fn of_user() -> io::Result<Self> {
        Self::open(&user_cache::folder("generations-v1")?)
    }

    /// A new folder in a folder that is only for those of this user's processes.
    pub(crate) fn open(all: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(all)?;
        let metadata = fs::metadata(all)?;
        if metadata.mode() & 0o022 != 0 {
            return Err(io::Error::other(format!("{} is open to other users", all.display())));
        }
        clear_away(all);
        let folder = (0..u32::MAX).find_map(|attempt| {
            let folder = all.join(format!("{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                made => Some(made.map(|()| folder)),
            }
        });
        let folder = folder.unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))?;
        // Whoever made a folder that somebody could prepare would trust what lies in it.
        if fs::metadata(&folder)?.uid() != metadata.uid() {
            return Err(io::Error::other(format!("{} belongs to another user", all.display())));
        }
        // Under another name until it is locked: others would take the folder for one whose process has ended.
        let unlocked = folder.join("unlocked");
        let lock = create(&unlocked)?;
        lock.lock()?;
        fs::rename(&unlocked, folder.join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Keeps bytes that are not kept yet.
    ///
    /// # Errors
    /// What the system says, such as that the disk is full; what was kept before stays.
    pub(crate) fn keep(&self, new: &BTreeMap<Digest, Arc<[u8]>>) -> io::Result<()> {
        for (digest, bytes) in new {
            let path = self.file(*digest);
            if path.exists() {
                continue;
            }
            let written = create(&path).and_then(|mut file| file.write_all(bytes));
            if let Err(error) = written {
                // A part is no use, and the first error is the one to tell.
                let _ = fs::remove_file(&path);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes what nobody names any more.
    pub(crate) fn retain(&self, named: &BTreeSet<Digest>) {
        let named: BTreeSet<String> = named.iter().map(Digest::to_string).collect();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name();
            let wanted = name.to_str().is_some_and(|name| name == LOCK || named.contains(name));
            if !wanted {
                // What cannot be removed takes room, and does no other harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The bytes of a digest.
    ///
    /// # Errors
    /// What the system says where they are not kept, and where they are damaged.
    pub(crate) fn read(&self, digest: Digest) -> io::Result<Arc<[u8]>> {
        let mut bytes = Vec::new();
        File::open(self.file(digest))?.read_to_end(&mut bytes)?;
        if Digest::of(&bytes) != digest {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what was kept of it is damaged"));
        }
        Ok(bytes.into())
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // Another process clears away what this one cannot.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folders of processes that have ended.
fn clear_away(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().filter_map(Result::ok) {
        let folder = entry.path();
        // A folder without a lock is one that is being made.
        if File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
