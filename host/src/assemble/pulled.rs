//! Models that were pulled from a hub: their names, and the folder of the user's cache that holds them.

use crate::user_cache;
use anyhow::{Context as _, bail};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest part of a name.
const PART_BYTES: usize = 96;

/// A model as a hub names it: `OWNER/NAME`, or `NAME` alone. Never a path: no part begins with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HubName(String);

impl FromStr for HubName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let fits = |part: &str| {
            let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            letters && !part.starts_with('.') && (1..=PART_BYTES).contains(&part.len())
        };
        if text.split('/').count() > 2 || !text.split('/').all(fits) {
            bail!("{text:?} is no name of a model on a hub: expected OWNER/NAME");
        }
        Ok(Self(text.to_owned()))
    }
}

impl HubName {
    /// The name without its owner.
    fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder of pulled models. What is found under a name is whole: a model is moved there when all of it has come.
#[derive(Clone, Debug)]
pub(crate) struct PulledModels(PathBuf);

impl PulledModels {
    /// Those in the user's cache.
    pub(crate) fn of_user() -> anyhow::Result<Self> {
        Ok(Self(user_cache::folder("models")?))
    }

    /// Where a model lies once it has been pulled.
    pub(crate) fn folder(&self, name: &HubName) -> PathBuf {
        self.0.join(&name.0)
    }

    /// Where a version of a model lies while it comes. Versions are kept apart, so that none gets another's files.
    pub(crate) fn staging(&self, name: &HubName, version: &str) -> PathBuf {
        self.folder(name).with_file_name(format!(".{}@{version}", name.last()))
    }

    /// Moves a model that has come to its place, where an older one may lie, and clears away what other pulls of it left.
    pub(crate) fn publish(&self, name: &HubName, staging: &Path) -> anyhow::Result<PathBuf> {
        let folder = self.folder(name);
        let moved = || -> io::Result<()> {
            let old = self.staging(name, "old");
            if folder.exists() {
                let _ = fs::remove_dir_all(&old);
                fs::rename(&folder, &old)?;
            }
            fs::rename(staging, &folder)
        };
        moved().with_context(|| format!("cannot move the model to {}", folder.display()))?;
        let owner = folder.parent().unwrap_or(&self.0);
        let left = names(owner).into_iter().filter(|entry| entry.starts_with(&format!(".{}@", name.last())));
        for entry in left {
            // What cannot be removed takes room, and does no other harm.
            let _ = fs::remove_dir_all(owner.join(entry));
        }
        Ok(folder)
    }

    /// Every model that has been pulled, by name.
    pub(crate) fn all(&self) -> Vec<(HubName, PathBuf)> {
        let mut found = Vec::new();
        for first in names(&self.0) {
            let folder = self.0.join(&first);
            if folder.join("config.json").is_file() {
                found.extend(first.parse().ok().map(|name| (name, folder)));
            } else {
                let second = names(&folder).into_iter().map(|second| format!("{first}/{second}"));
                let models = second.filter_map(|name| Some((name.parse().ok()?, self.0.join(name))));
                found.extend(models.filter(|(_, folder)| folder.join("config.json").is_file()));
            }
        }
        found.sort();
        found
    }
}

/// The entries of a folder; of one that is not there, none. What is on its way has a name that begins with a dot, which
/// no model has.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_lead_out_of_the_folder() {
        for name in ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L12-v2", "a.b/c_d"] {
            assert_eq!(name.parse::<HubName>().unwrap().to_string(), name);
        }
        let long = "x".repeat(97);
        for name in ["", "/", "a/", "/a", "..", "../a", "a/..", "a/.b", "a/b/c", "a b", "a\\b", "ä", "a\0", &long] {
            assert!(name.parse::<HubName>().is_err(), "{name:?}");
        }
    }
}
