//! Components that come from elsewhere than the watched files: which bytes, and where they are to lie.

use super::refusal::{Fault, Why};
use super::reloads::Shared;
use crate::assemble::FILE_BYTES;
use crate::material::{Reading, read};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_config::Code;

/// A component cannot be used.
const UNUSABLE: Code = Code("E0412");
/// A component serves another type than the one it came for.
const SERVES_ANOTHER: Code = Code("E0414");
/// An upload has no place, or its path leads elsewhere.
const NO_PLACE: Code = Code("E0437");
/// There is nothing to promote.
const NO_CANDIDATE: Code = Code("E0439");

/// A component that somebody brings.
#[derive(Clone, Debug)]
pub(crate) enum Upload {
    /// The component itself.
    Bytes(Bytes),
    /// A file in the components directory, by its path from there.
    Path(PathBuf),
}

impl Shared {
    pub(super) fn uploaded(&self, upload: Upload) -> Result<Arc<[u8]>, Fault> {
        match upload {
            Upload::Bytes(bytes) => Ok(bytes.as_ref().into()),
            Upload::Path(path) => {
                let within = self.directory()?;
                let unfit = |message: String| {
                    self.fault(Why::Impossible, NO_PLACE, message, "name a file by its path from components.directory")
                };
                let found = inside(&within, &path)
                    .ok_or_else(|| unfit(format!("{} is no file in {}", path.display(), within.display())))?;
                let (_, bytes) = read(&found, FILE_BYTES)
                    .map_err(|error| unfit(format!("{} cannot be read: {error}", path.display())))?;
                Ok(bytes.into())
            }
        }
    }

    /// The bytes of the candidate that runs for a type, whatever its file holds by now.
    pub(super) fn candidate(&self, serves: &str) -> Result<Arc<[u8]>, Fault> {
        let live = self.live();
        let candidate = live.config.resolved.components.candidate(serves).ok_or_else(|| {
            let message = format!("there is no candidate for {serves:?}");
            self.fault(Why::Impossible, NO_CANDIDATE, message, "name one under components.shadow")
        })?;
        let tried = Reading::kept(Arc::clone(&live.material), self.archive.clone());
        let (_, bytes) = tried.bytes(&candidate.source, FILE_BYTES).map_err(|error| {
            let message = format!("the candidate {} is not kept: {error}", candidate.source.display());
            self.fault(Why::Impossible, NO_CANDIDATE, message, "put its file back, or upload it")
        })?;
        Ok(bytes)
    }

    /// The file that these bytes belong into: that of the component that serves the type now, or a new one in the
    /// components directory.
    pub(super) fn place_of(&self, serves: &str, bytes: &[u8]) -> Result<PathBuf, Fault> {
        let component = self.workshop.load(bytes).map_err(|error| {
            let message = format!("the component for {serves:?} cannot be used: {error}");
            Fault::new(Why::Invalid, UNUSABLE, message, None, &self.origin.name())
        })?;
        // What it serves is a name of letters, digits and few signs, so that a file may be called by it.
        let found = &component.description().serves;
        if found != serves {
            let message = format!("the component that is to serve {serves:?} serves {found:?}");
            return Err(self.fault(Why::Invalid, SERVES_ANOTHER, message, "upload it for the type that it serves"));
        }
        let live = self.live();
        match live.served.get(serves).and_then(|served| served.file.clone()) {
            Some(file) => Ok(file),
            None => Ok(self.directory()?.join(format!("{found}.wasm"))),
        }
    }

    fn directory(&self) -> Result<PathBuf, Fault> {
        let live = self.live();
        live.config.resolved.components.directory.clone().ok_or_else(|| {
            let message = "there is no components directory to keep an upload in".to_owned();
            self.fault(Why::Impossible, NO_PLACE, message, "name one under components.directory")
        })
    }
}

/// The file that a path leads to from a directory, unless it leads out of it.
fn inside(directory: &Path, path: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    let found = directory.join(path).canonicalize().ok()?;
    found.starts_with(&directory).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_does_not_lead_out_of_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("components");
        fs::create_dir_all(directory.join("staged")).unwrap();
        fs::write(directory.join("staged/a.wasm"), "a").unwrap();
        fs::write(root.path().join("secret.wasm"), "s").unwrap();
        symlink(root.path().join("secret.wasm"), directory.join("link.wasm")).unwrap();
        let found = inside(&directory, Path::new("staged/a.wasm")).unwrap();
        assert_eq!(fs::read_to_string(found).unwrap(), "a");
        let outside = root.path().join("secret.wasm");
        for path in
            ["../secret.wasm", "link.wasm", "staged/../../secret.wasm", "missing.wasm", outside.to_str().unwrap()]
        {
            assert_eq!(inside(&directory, Path::new(path)), None, "{path}");
        }
    }
}
