//! Machine code kept on disk between starts, private to one user.

use crate::artefact::Verified;
use crate::digest::Digest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a MAC, which stands before the code in each file.
const MAC_BYTES: usize = 32;

/// One block of the hash, the natural size of a MAC key.
const KEY_BYTES: usize = 64;

/// A file that is larger is not read. The largest runtime seen in a component makes 37 MB of code.
pub(crate) const MOST_BYTES: u64 = 256 << 20;

/// A directory of machine code. Loading machine code means running it, so the directory has to belong to this user alone,
/// and every file carries a MAC under a key that is kept beside it and that only this user can read. That keeps out
/// damaged files and files that were made elsewhere; it cannot keep out somebody who already is this user.
#[derive(Debug)]
pub struct CacheDir {
    path: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Why a directory is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The directory or its key cannot be read or written.
    #[error("the cache at {path} cannot be used: {source}", path = path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can write the directory, or read the key.
    #[error("{path} is open to other users (mode {mode:o}); expected {expected:o}", path = path.display())]
    Open {
        /// The directory or the key.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What they should be.
        expected: u32,
    },
    /// It belongs to another user.
    #[error("{path} belongs to user {owner}, not to the user of this process", path = path.display())]
    Foreign {
        /// The directory or the key.
        path: PathBuf,
        /// The owner's id.
        owner: u32,
    },
}

/// What a look-up found.
pub(crate) enum Found {
    Nothing,
    /// A file that is damaged or was not made here.
    Refused,
    Code(Verified),
}

impl CacheDir {
    /// A directory, made with mode 0700 if it is missing.
    ///
    /// # Errors
    /// Says why the directory cannot be trusted or used. A caller that goes on without a cache compiles at every start.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let path = path.into();
        let io = |source| CacheError::Io { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(io)?;
        let user = acting_user(&path).map_err(io)?;
        check_private(&path, user, 0o022, 0o700)?;
        let key_path = path.join("key");
        let key = match read_key(&key_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_key(&key_path).map_err(io)?,
            other => other.map_err(io)?,
        };
        check_private(&key_path, user, 0o077, 0o600)?;
        Ok(Self { path, key })
    }

    pub(crate) fn look_up(&self, component: Digest, engine: &wasmtime::Engine) -> Found {
        let name = self.file_of(component, engine);
        let mut bytes = match read_bounded(&name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(_) => return Found::Refused,
        };
        if bytes.len() < MAC_BYTES {
            return Found::Refused;
        }
        let code = bytes.split_off(MAC_BYTES);
        match self.mac(component, &code).verify_slice(&bytes) {
            Ok(()) => Found::Code(Verified::vouch(code)),
            Err(_) => Found::Refused,
        }
    }

    /// Keeps code for later starts. A crash leaves the old file or the new one, never a part.
    pub(crate) fn store(&self, component: Digest, engine: &wasmtime::Engine, code: &[u8]) -> io::Result<()> {
        let mac = self.mac(component, code).finalize().into_bytes();
        write_whole(&self.file_of(component, engine), &[mac.as_slice(), code])
    }

    /// The digest is part of what is signed, so that one component's file cannot pass as another's.
    fn mac(&self, component: Digest, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(component.as_bytes());
        mac.update(code);
        mac
    }

    /// wasmtime's hash covers its version, the settings and the target's features, so that a file is never tried by an
    /// engine that it was not made for. Another release of the standard library may hash differently; that is a miss.
    fn file_of(&self, component: Digest, engine: &wasmtime::Engine) -> PathBuf {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        self.path.join(format!("{component}-{:016x}", settings.finish()))
    }
}

/// The user that this process acts as: the owner of a file that it makes. The standard library has no other way to ask.
fn acting_user(directory: &Path) -> io::Result<u32> {
    let path = temporary_name(&directory.join("owner"));
    let file = create_private(&path)?;
    let owner = file.metadata().map(|metadata| metadata.uid());
    fs::remove_file(&path)?;
    owner
}

fn check_private(path: &Path, user: u32, forbidden: u32, expected: u32) -> Result<(), CacheError> {
    let metadata = fs::metadata(path).map_err(|source| CacheError::Io { path: path.to_owned(), source })?;
    if metadata.uid() != user {
        return Err(CacheError::Foreign { path: path.to_owned(), owner: metadata.uid() });
    }
    let mode = metadata.mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(CacheError::Open { path: path.to_owned(), mode, expected });
    }
    Ok(())
}

fn read_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

/// Another process may be doing the same at the same time: the link fails for the second one, which then reads the
/// first one's key.
fn create_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let temporary = temporary_name(path);
    let written = write_new(&temporary, &[&key]).and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read_key(path),
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = temporary_name(path);
    let written = write_new(&temporary, parts).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It may not even exist; the first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = create_private(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn temporary_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let unique = format!("{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    path.with_extension(unique)
}
