//! The files of a model, read with bounds from a directory or from inside the binary.

use crate::LoadError;
use serde::de::DeserializeOwned;
use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

const MAX_JSON_BYTES: u64 = 1 << 20;
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
const MAX_WEIGHTS_BYTES: u64 = 4 << 30;

/// Where the files of a model are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ModelDir<'a> {
    Disk(&'a Path),
    Binary(&'static Embedded),
}

/// A model inside the binary.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) name: &'static str,
    /// Paths inside the model's directory, and what stands there.
    pub(crate) files: &'static [(&'static str, &'static [u8])],
}

/// A file's bytes with the path they came from, for messages.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Cow<'static, [u8]>,
}

impl ModelDir<'_> {
    /// The directory's own name, for people.
    pub(crate) fn name(&self) -> String {
        let path = match self {
            Self::Disk(path) => path.file_name().map(PathBuf::from).or_else(|| path.canonicalize().ok()),
            Self::Binary(embedded) => return embedded.name.to_owned(),
        };
        path.as_deref().and_then(Path::file_name).map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    pub(crate) fn config(&self) -> Result<Contents, LoadError> {
        self.read("config.json", MAX_JSON_BYTES)
    }

    pub(crate) fn tokenizer(&self) -> Result<Contents, LoadError> {
        self.read("tokenizer.json", MAX_TOKENIZER_BYTES)
    }

    pub(crate) fn weights(&self) -> Result<Contents, LoadError> {
        self.read("model.safetensors", MAX_WEIGHTS_BYTES)
    }

    /// A JSON file by its path inside the directory.
    pub(crate) fn json(&self, file: &str) -> Result<Contents, LoadError> {
        self.read(file, MAX_JSON_BYTES)
    }

    /// A JSON file that a model need not have.
    pub(crate) fn optional_json(&self, file: &str) -> Result<Option<Contents>, LoadError> {
        match self.json(file) {
            Err(LoadError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn read(&self, file: &str, limit: u64) -> Result<Contents, LoadError> {
        match self {
            Self::Disk(dir) => read(dir.join(file), limit),
            Self::Binary(Embedded { name, files }) => {
                let path = Path::new(name).join(file);
                match files.iter().find(|(path, _)| *path == file) {
                    Some((_, bytes)) => Ok(Contents { path, bytes: Cow::Borrowed(bytes) }),
                    None => Err(LoadError::Read { path, source: io::ErrorKind::NotFound.into() }),
                }
            }
        }
    }
}

impl Contents {
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        serde_json::from_slice(&self.bytes).map_err(|source| LoadError::Json { path: self.path.clone(), source })
    }

    /// Refuses a field of this file that does not hold what is expected.
    pub(crate) fn expect(
        &self,
        field: &str,
        found: impl ToString,
        holds: bool,
        expected: &'static str,
    ) -> Result<(), LoadError> {
        if holds { Ok(()) } else { Err(unsupported(&self.path, field, found, expected)) }
    }
}

pub(crate) fn unsupported(path: &Path, field: &str, found: impl ToString, expected: &'static str) -> LoadError {
    LoadError::Unsupported { path: path.into(), field: field.into(), found: found.to_string(), expected }
}

/// Reads a regular file of at most `limit` bytes: a device or a file that grows must not fill the memory.
fn read(path: PathBuf, limit: u64) -> Result<Contents, LoadError> {
    let attempt = || -> io::Result<Option<Vec<u8>>> {
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > limit {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    match attempt() {
        Ok(Some(bytes)) => Ok(Contents { path, bytes: Cow::Owned(bytes) }),
        Ok(None) => Err(LoadError::NotReadable { path, limit }),
        Err(source) => Err(LoadError::Read { path, source }),
    }
}
