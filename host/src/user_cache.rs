//! The user's cache folder: what lies there may be deleted at any time.

use std::env;
use std::io;
use std::path::PathBuf;

/// A folder of the program's own: `trackside/NAME` under `$XDG_CACHE_HOME` or `~/.cache`. It need not exist.
///
/// # Errors
/// When the user has no home directory.
pub(crate) fn folder(name: &str) -> io::Result<PathBuf> {
    let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = given.or_else(|| Some(env::home_dir()?.join(".cache")));
    let caches = caches.ok_or_else(|| {
        let message = format!("there is no home directory to keep trackside/{name} in: set XDG_CACHE_HOME");
        io::Error::new(io::ErrorKind::NotFound, message)
    })?;
    Ok(caches.join("trackside").join(name))
}
