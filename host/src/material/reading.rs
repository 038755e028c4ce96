//! Where the files of a configuration come from: from disk, or from what is kept of an earlier generation. Everything that
//! is read is recorded.

use super::{Archive, Material, ModelMaterial, Stamps};
use crate::stamp::Stamp;
use crate::watch::Watched;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use trackside_components::Digest;

/// Reads files once for one generation.
#[derive(Debug)]
pub(crate) struct Reading {
    from: From,
    found: Mutex<Found>,
}

#[derive(Debug)]
enum From {
    Disk { stamps: Arc<Stamps>, instead: Option<Instead> },
    Kept { material: Arc<Material>, archive: Option<Arc<Archive>> },
}

/// A file that is not on disk yet, or not with these bytes.
#[derive(Clone, Debug)]
pub(crate) struct Instead {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Arc<[u8]>,
}

#[derive(Debug, Default)]
struct Found {
    files: BTreeMap<PathBuf, Digest>,
    listed: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// Bytes that had to be read.
    fresh: BTreeMap<Digest, Arc<[u8]>>,
    watched: Watched,
}

impl Reading {
    /// From disk. What `stamps` knows is not read again.
    pub(crate) fn disk(stamps: &Arc<Stamps>) -> Self {
        Self::new(From::Disk { stamps: Arc::clone(stamps), instead: None })
    }

    /// From disk, but for one file.
    pub(crate) fn disk_but(stamps: &Arc<Stamps>, instead: Instead) -> Self {
        Self::new(From::Disk { stamps: Arc::clone(stamps), instead: Some(instead) })
    }

    /// From what an earlier generation was made of.
    pub(crate) fn kept(material: Arc<Material>, archive: Option<Arc<Archive>>) -> Self {
        Self::new(From::Kept { material, archive })
    }

    fn new(from: From) -> Self {
        Self { from, found: Mutex::default() }
    }

    /// The digest of a file, which is read only if that is not known. A file with more bytes than `most` is not read.
    ///
    /// # Errors
    /// What the system says, and where it is no regular file.
    pub(crate) fn digest(&self, path: &Path, most: u64) -> io::Result<Digest> {
        self.found_at().watched.files.insert(path.to_owned());
        match &self.from {
            From::Disk { instead: Some(Instead { path: other, bytes }), .. } if other == path => {
                let digest = Digest::of(bytes);
                self.record(path, digest, Arc::clone(bytes));
                Ok(digest)
            }
            From::Disk { stamps, .. } => {
                let stamp = Stamp::of(&fs::metadata(path)?);
                let Some(digest) = stamps.digest(path, stamp) else {
                    return self.read_disk(path, most, stamps).map(|(digest, _)| digest);
                };
                self.found_at().files.insert(path.to_owned(), digest);
                Ok(digest)
            }
            From::Kept { material, .. } => {
                let digest = material.file(path).ok_or(io::ErrorKind::NotFound)?;
                self.found_at().files.insert(path.to_owned(), digest);
                Ok(digest)
            }
        }
    }

    /// The bytes of a file, with their digest.
    ///
    /// # Errors
    /// As [`Reading::digest`], and where the bytes of an earlier generation are no longer kept.
    pub(crate) fn bytes(&self, path: &Path, most: u64) -> io::Result<(Digest, Arc<[u8]>)> {
        let digest = self.digest(path, most)?;
        if let Some(bytes) = self.found_at().fresh.get(&digest) {
            return Ok((digest, Arc::clone(bytes)));
        }
        match &self.from {
            From::Disk { stamps, .. } => self.read_disk(path, most, stamps),
            From::Kept { archive, .. } => {
                let kept = archive.as_ref().map_or(Err(io::ErrorKind::NotFound.into()), |archive| archive.read(digest));
                let bytes = kept.or_else(|error| unchanged(path, most, digest).ok_or(error))?;
                Ok((digest, self.found_at().fresh.entry(digest).or_insert(bytes).clone()))
            }
        }
    }

    /// The components in a directory, in the order of their names.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn wasm_files(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.found_at().watched.directories.insert(directory.to_owned());
        let files = match &self.from {
            From::Disk { instead, .. } => {
                let instead = instead.iter().map(|instead| instead.path.clone());
                let there = instead.filter(|path| path.parent() == Some(directory));
                let mut files: Vec<_> = wasm_files(directory)?.into_iter().chain(there).collect();
                files.sort();
                files.dedup();
                files
            }
            From::Kept { material, .. } => material.listed(directory).ok_or(io::ErrorKind::NotFound)?.to_owned(),
        };
        self.found_at().listed.insert(directory.to_owned(), files.clone());
        Ok(files)
    }

    /// The model to use, where an earlier generation has chosen it.
    pub(crate) fn model(&self) -> Option<&ModelMaterial> {
        match &self.from {
            From::Disk { .. } => None,
            From::Kept { material, .. } => Some(material.model()),
        }
    }

    /// Another file matters that is not read here.
    pub(crate) fn watch_folder(&self, folder: &Path) {
        self.found_at().watched.directories.insert(folder.to_owned());
    }

    /// What the result depends on, files that are missing or useless among it.
    pub(crate) fn watched(&self) -> Watched {
        self.found_at().watched.clone()
    }

    /// Takes out the bytes that had to be read.
    pub(crate) fn take_fresh(&self) -> BTreeMap<Digest, Arc<[u8]>> {
        mem::take(&mut self.found_at().fresh)
    }

    pub(super) fn found(&self) -> (BTreeMap<PathBuf, Digest>, BTreeMap<PathBuf, Vec<PathBuf>>) {
        let found = self.found_at();
        (found.files.clone(), found.listed.clone())
    }

    fn read_disk(&self, path: &Path, most: u64, stamps: &Stamps) -> io::Result<(Digest, Arc<[u8]>)> {
        let began = SystemTime::now();
        let (stamp, bytes) = read(path, most)?;
        let (digest, bytes) = (Digest::of(&bytes), Arc::from(bytes));
        stamps.learn(path, stamp, began, digest);
        self.record(path, digest, Arc::clone(&bytes));
        Ok((digest, bytes))
    }

    fn record(&self, path: &Path, digest: Digest, bytes: Arc<[u8]>) {
        let mut found = self.found_at();
        found.files.insert(path.to_owned(), digest);
        found.fresh.insert(digest, bytes);
    }

    fn found_at(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wasm_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The bytes of a regular file with at most so many of them, and the state that it had.
///
/// # Errors
/// What the system says, and what is wrong with the file.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<(Stamp, Vec<u8>)> {
    // Before it is opened: opening a pipe waits for its other end.
    let no_file = || io::Error::other("not a regular file");
    fs::metadata(path)?.is_file().then_some(()).ok_or_else(no_file)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    metadata.is_file().then_some(()).ok_or_else(no_file)?;
    if metadata.len() > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes)?;
    Ok((Stamp::of(&metadata), bytes))
}

/// The bytes on disk, if they still are those of a digest.
fn unchanged(path: &Path, most: u64, digest: Digest) -> Option<Arc<[u8]>> {
    let (_, bytes) = read(path, most).ok()?;
    (Digest::of(&bytes) == digest).then(|| bytes.into())
}
