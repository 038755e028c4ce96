//! Writes a file whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts bytes in the place of a file, which may be a symbolic link to it, and keeps its permissions. Whoever reads it gets
/// the old bytes or the new ones, and after a crash it is one of both.
///
/// # Errors
/// What the system says; the old file is as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let temporary = temporary_name(&target);
    let written = write(&temporary, &target, bytes).and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // It may not even exist; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The directory's own entry is to be on disk, too; some file systems cannot be asked for it, and need not.
    if let Some(folder) = target.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

fn write(temporary: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(temporary)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.set_permissions(Permissions::from_mode(metadata.permissions().mode() & 0o777))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// A hidden name in the same directory, which no directory of components or models takes for one of its files.
fn temporary_name(target: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!(".{name}.{}-{unique}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_replaced_behind_its_link_and_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.yaml"), folder.path().join("router.yaml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        replace(&folder.path().join("fresh.wasm"), b"component").unwrap();
        assert!(replace(&folder.path().join("missing/a"), b"").is_err());
        assert!(replace(folder.path(), b"").is_err(), "a folder was replaced by a file");
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["fresh.wasm", "real.yaml", "router.yaml"], "something was left behind");
    }
}
