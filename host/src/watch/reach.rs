//! Which directories have to be watched so that no change of a path goes unseen.
//!
//! A path may lead through symbolic links, and exchanging one of them changes what is found at its end: so each link on
//! the way is watched in the directory that holds it, and so is the file at the end. Where the way ends early, the last
//! directory that is there is watched for the next one to come.

use super::Watched;
use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one way; more are a circle.
const MOST_LINKS: usize = 40;
/// Entries of one directory that are looked at.
pub(super) const MOST_ENTRIES: usize = 4096;

/// Everything whose change matters. All paths are absolute and free of links, save in their last part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Where to watch.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Files at the end of a way.
    pub(super) files: BTreeSet<PathBuf>,
    /// Links and directories on a way, and the place at which one ends early: a change here moves the way.
    pub(super) bends: BTreeSet<PathBuf>,
    /// Directories of which every entry counts.
    pub(super) listed: BTreeSet<PathBuf>,
}

impl Reach {
    /// Follows every way there is now. All of them begin at the root.
    pub(super) fn of(watched: &Watched) -> Self {
        let mut reach = Self::default();
        for file in &watched.files {
            reach.follow(file);
        }
        for directory in &watched.directories {
            let Some(end) = reach.follow(directory) else { continue };
            reach.list(&end);
            for inner in entries(&end).into_iter().filter(|path| path.is_dir()) {
                if let Some(end) = reach.follow(&inner) {
                    reach.list(&end);
                }
            }
        }
        reach
    }

    /// Whether anything that happens at this path counts.
    pub(super) fn counts(&self, path: &Path) -> bool {
        let among = |directories: &BTreeSet<PathBuf>| path.parent().is_some_and(|parent| directories.contains(parent));
        self.files.contains(path)
            || self.bends.contains(path)
            || self.directories.contains(path)
            || among(&self.listed) && path.file_name().is_some_and(is_finished)
    }

    /// Whether ways may lead elsewhere when something else takes this path.
    pub(super) fn turns_at(&self, path: &Path) -> bool {
        self.bends.contains(path) || self.directories.contains(path)
    }

    fn list(&mut self, directory: &Path) {
        self.directories.insert(directory.to_owned());
        self.listed.insert(directory.to_owned());
        for entry in entries(directory).into_iter().filter(|path| path.is_symlink()) {
            self.follow(&entry);
        }
    }

    /// Follows one way to its end, and tells where that is if something is there.
    fn follow(&mut self, path: &Path) -> Option<PathBuf> {
        let mut ahead: VecDeque<OsString> = parts(path).collect();
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            let next = at.join(part);
            match fs::symlink_metadata(&next) {
                Ok(found) if found.is_symlink() => {
                    links += 1;
                    let target = fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS);
                    self.bend(at.clone(), next);
                    let target = target?;
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    ahead = parts(&target).chain(ahead).collect();
                }
                Ok(found) if found.is_dir() => {
                    if ahead.is_empty() {
                        self.bend(at, next.clone());
                    }
                    at = next;
                }
                Ok(_) => {
                    self.directories.insert(at);
                    self.files.insert(next.clone());
                    return Some(next).filter(|_| ahead.is_empty());
                }
                Err(_) => {
                    self.bend(at, next);
                    return None;
                }
            }
        }
        Some(at)
    }

    fn bend(&mut self, directory: PathBuf, path: PathBuf) {
        self.directories.insert(directory);
        self.bends.insert(path);
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// What lies in a directory and counts, in no order.
pub(super) fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let finished = entries.flatten().filter(|entry| is_finished(&entry.file_name()));
    finished.take(MOST_ENTRIES).map(|entry| entry.path()).collect()
}

/// Editors, browsers and installers give their work in hand such names, and rename it when it is done.
fn is_finished(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    !name.starts_with(b".") && !["~", ".tmp", ".swp", ".part"].iter().any(|end| name.ends_with(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn paths<const N: usize>(root: &Path, names: [&str; N]) -> BTreeSet<PathBuf> {
        names.iter().map(|name| if name.is_empty() { root.to_owned() } else { root.join(name) }).collect()
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        (folder, root)
    }

    fn file(path: PathBuf) -> Reach {
        Reach::of(&Watched { files: BTreeSet::from([path]), ..Watched::default() })
    }

    #[test]
    fn every_link_on_the_way_is_watched_where_it_lies() {
        let (_folder, root) = folder();
        fs::create_dir_all(root.join("mount/..1")).unwrap();
        fs::write(root.join("mount/..1/router.yaml"), "").unwrap();
        symlink("..1", root.join("mount/..data")).unwrap();
        symlink("..data/router.yaml", root.join("mount/router.yaml")).unwrap();
        symlink("mount/../mount", root.join("conf")).unwrap();
        let reach = file(root.join("conf/router.yaml"));
        assert_eq!(reach.directories, paths(&root, ["", "mount", "mount/..1"]));
        assert_eq!(reach.bends, paths(&root, ["conf", "mount/router.yaml", "mount/..data"]));
        assert_eq!(reach.files, paths(&root, ["mount/..1/router.yaml"]));
        assert!(reach.counts(&root.join("mount/..data")) && reach.turns_at(&root.join("mount/..data")));
        assert!(reach.counts(&root.join("mount/..1/router.yaml")) && !reach.counts(&root.join("mount/..1/other")));
    }

    #[test]
    fn where_the_way_ends_early_the_next_part_is_awaited() {
        let (_folder, root) = folder();
        let reach = file(root.join("a/b/router.yaml"));
        assert_eq!((reach.directories, reach.bends), (paths(&root, [""]), paths(&root, ["a"])));
        symlink("nowhere/at/all", root.join("link")).unwrap();
        let reach = file(root.join("link"));
        assert_eq!((reach.directories, reach.bends), (paths(&root, [""]), paths(&root, ["link", "nowhere"])));
    }

    #[test]
    fn links_in_a_circle_end() {
        let (_folder, root) = folder();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let reach = file(root.join("a/router.yaml"));
        assert_eq!(reach.bends, paths(&root, ["a", "b"]));
    }

    #[test]
    fn of_a_directory_every_finished_entry_counts_and_so_does_what_lies_one_below() {
        let (_folder, root) = folder();
        fs::create_dir_all(root.join("model/1_Pooling")).unwrap();
        fs::create_dir(root.join("blobs")).unwrap();
        fs::write(root.join("blobs/abc"), "").unwrap();
        symlink("../blobs/abc", root.join("model/model.safetensors")).unwrap();
        let directories = BTreeSet::from([root.join("model")]);
        let reach = Reach::of(&Watched { directories, ..Watched::default() });
        assert_eq!(reach.directories, paths(&root, ["", "model", "model/1_Pooling", "blobs"]));
        assert_eq!(reach.listed, paths(&root, ["model", "model/1_Pooling"]));
        let counts = |name: &str| reach.counts(&root.join(name));
        assert!(
            counts("model/new.wasm") && counts("model/1_Pooling/config.json") && counts("blobs/abc") && counts("model")
        );
        let work = [".new.wasm.x", "new.wasm~", "new.wasm.tmp", ".new.wasm.swp", "new.part"];
        assert!(!work.iter().any(|name| counts(&format!("model/{name}"))) && !counts("blobs/other"));
    }
}
