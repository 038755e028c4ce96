//! What a generation is made of, as far as it lies in files: read, recorded, compared, and kept for a way back.

mod archive;
mod reading;
mod stamps;
#[cfg(test)]
mod tests;

pub(crate) use archive::Archive;
pub(crate) use reading::{Instead, Reading, read};
pub(crate) use stamps::{FolderStamp, Stamps};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trackside_components::Digest;
use trackside_config::{Loaded, ProcessEnvironment};
use trackside_inference::Options;

/// A configuration's text, with what its meaning depends on beside it.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// The file as the user named it.
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
    pub(crate) digest: Digest,
    /// The folder against which relative paths in it count.
    pub(crate) base_dir: PathBuf,
}

/// Everything that was read for a generation. It holds the text and the digests of the rest, never their bytes: sixteen of
/// it are small.
///
/// Two are equal when a generation made from either would be the same. What was named relative to the configuration's
/// folder is compared so: a mounted ConfigMap is a new folder at each change.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    config: Text,
    files: BTreeMap<PathBuf, Digest>,
    listed: BTreeMap<PathBuf, Vec<PathBuf>>,
    model: ModelMaterial,
}

/// Which model embeds.
#[derive(Clone, Debug)]
pub(crate) struct ModelMaterial {
    /// Where it lies and how it is run.
    pub(crate) setup: ModelSetup,
    /// Of the whole set-up: 64 hexadecimal digits.
    pub(crate) fingerprint: Arc<str>,
}

/// Where a model lies and how it is run: equal ones are the same model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelSetup {
    /// The folder with the state of its files; nothing for the model inside the program.
    pub(crate) folder: Option<(PathBuf, FolderStamp)>,
    pub(crate) options: Options,
}

impl Text {
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let text: Arc<str> = loaded.source.text.as_str().into();
        let digest = Digest::of(text.as_bytes());
        Self { name: loaded.source.name.clone(), text, digest, base_dir: loaded.base_dir.clone() }
    }

    /// Reads it again, as it was read first.
    pub(crate) fn load(&self) -> Loaded {
        trackside_config::parse(&self.name, &self.text, &self.base_dir, &ProcessEnvironment)
    }
}

impl Material {
    pub(crate) fn new(config: Text, reading: &Reading, model: ModelMaterial) -> Self {
        let (files, listed) = reading.found();
        Self { config, files, listed, model }
    }

    /// The configuration's text.
    pub(crate) fn config(&self) -> &Text {
        &self.config
    }

    pub(crate) fn model(&self) -> &ModelMaterial {
        &self.model
    }

    /// The digest that a file had.
    pub(crate) fn file(&self, path: &Path) -> Option<Digest> {
        self.files.get(path).copied()
    }

    /// All files and their digests, by their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, Digest)> {
        self.files.iter().map(|(path, digest)| (path.as_path(), *digest))
    }

    /// The digests of all files.
    pub(crate) fn digests(&self) -> BTreeSet<Digest> {
        self.files.values().copied().collect()
    }

    fn listed(&self, directory: &Path) -> Option<&[PathBuf]> {
        self.listed.get(directory).map(Vec::as_slice)
    }

    /// The files by what the configuration calls them.
    fn named(&self) -> BTreeMap<&Path, Digest> {
        let base = &self.config.base_dir;
        self.files().map(|(path, digest)| (path.strip_prefix(base).unwrap_or(path), digest)).collect()
    }
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        self.config.digest == other.config.digest
            && self.model.fingerprint == other.model.fingerprint
            && self.named() == other.named()
    }
}
