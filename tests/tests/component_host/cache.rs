//! Machine code between starts.

use crate::world::{MISBEHAVING, World};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_components::{CacheDir, CacheError, CodeOrigin, EngineOptions};

fn load(directory: &Path) -> CodeOrigin {
    let options =
        EngineOptions { cache: Some(CacheDir::open(directory).unwrap()), instances: 10, ..EngineOptions::default() };
    Arc::new(World::default()).engine(options).load(MISBEHAVING).unwrap().code_origin()
}

fn code_files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap() != "key").collect()
}

#[test]
fn the_second_start_does_not_compile() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("code");
    assert_eq!(load(&directory), CodeOrigin::Compiled);
    assert_eq!(load(&directory), CodeOrigin::Cached);
    assert_eq!(code_files(&directory).len(), 1, "temporary files were left behind");
    for path in [directory.join("key"), code_files(&directory).remove(0)] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_changed_file_is_refused_and_replaced() {
    let home = tempfile::tempdir().unwrap();
    load(home.path());
    let file = code_files(home.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for tampered in [&changed[..], &whole[..whole.len() / 2], &whole[..7], &[]] {
        fs::write(&file, tampered).unwrap();
        assert_eq!(load(home.path()), CodeOrigin::Recompiled, "{} bytes were accepted", tampered.len());
        assert_eq!(load(home.path()), CodeOrigin::Cached);
    }
}

#[test]
fn a_file_made_under_another_key_is_refused() {
    let ours = tempfile::tempdir().unwrap();
    let theirs = tempfile::tempdir().unwrap();
    load(ours.path());
    load(theirs.path());
    let file = code_files(ours.path()).remove(0);
    fs::copy(theirs.path().join(file.file_name().unwrap()), &file).unwrap();
    assert_eq!(load(ours.path()), CodeOrigin::Recompiled);
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let home = tempfile::tempdir().unwrap();
    CacheDir::open(home.path()).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o770)).unwrap();
    let error = CacheDir::open(home.path()).unwrap_err();
    assert!(matches!(error, CacheError::Open { mode: 0o770, expected: 0o700, .. }), "{error}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    CacheDir::open(home.path()).unwrap();
    fs::set_permissions(home.path().join("key"), Permissions::from_mode(0o640)).unwrap();
    let error = CacheDir::open(home.path()).unwrap_err();
    assert!(matches!(error, CacheError::Open { mode: 0o640, expected: 0o600, .. }), "{error}");
}
