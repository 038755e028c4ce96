//! Components at hand: those inside the program, and those that the configuration brings.
//!
//! A file that serves the type of a built-in component replaces it, and one that `components.use` names replaces one of
//! the directory.

use super::diagnostics;
use futures_util::{StreamExt, stream};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;
use trackside_components::{
    ArtefactFile, Capability, Component, Digest, Engine, FailurePolicy, Grants, Limits, LoadError, Need,
};
use trackside_config::{ComponentUse, Components, Config, OnFailure, Report};
use trackside_guests::{BUILT_IN, BuiltIn};
use trackside_routing::{Entry, Registry};

/// A file with more bytes than this is not read to its end; the engine accepts fewer.
const FILE_BYTES: u64 = 256 << 20;

/// Longest call of a component that reads the ask's embedding: it waits for the model, which takes some milliseconds for
/// a short text, a hundred for a long one, and longer when others wait too.
const EMBEDDING_DEADLINE: Duration = Duration::from_millis(300);

/// Where a component comes from, the weakest first.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// It is part of the program.
    BuiltIn(&'static BuiltIn),
    /// It was found in the components directory.
    Directory(PathBuf),
    /// The entry of `components.use` with this position names its file.
    Named(usize, PathBuf),
}

/// Why an artefact is not a component that may be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The bytes are others than the configuration pins.
    #[error("its digest is sha256:{found}, not the one that is pinned")]
    Digest {
        /// The digest of what was found.
        found: Digest,
    },
    /// The engine does not take it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine failed.
    #[error("loading it failed: {0}")]
    Engine(#[from] tokio::task::JoinError),
}

/// A component with its origin.
struct Loaded {
    origin: Origin,
    component: Component,
}

/// Loads everything there is, and pushes what cannot be used and why.
pub(super) async fn registry(engine: &Engine, config: &Config, report: &mut Report) -> Registry {
    let components = &config.resolved.components;
    let at_once = available_parallelism().map_or(1, NonZeroUsize::get);
    let results: Vec<_> = stream::iter(origins(config, report))
        .map(|origin| load(engine.clone(), components, origin))
        .buffered(at_once)
        .collect()
        .await;
    let mut shelf: Vec<Loaded> = Vec::new();
    for (origin, result) in results {
        match result {
            Ok(component) => shelve(&mut shelf, Loaded { origin, component }, config, report),
            Err(fault) => diagnostics::unusable(&origin, &fault, config, report),
        }
    }
    diagnostics::served_by_nobody(|serves| shelf.iter().any(|l| l.serves() == serves), config, report);
    let mut registry = Registry::new();
    for loaded in shelf {
        let used = components.uses.iter().find(|used| used.serves == loaded.serves());
        let artefact = artefact(used, config, report).await;
        registry.insert(entry(loaded, used, artefact, config, report));
    }
    registry
}

impl Loaded {
    fn serves(&self) -> &str {
        &self.component.description().serves
    }

    /// Whether both would be asked for the same thing.
    fn rivals(&self, other: &Loaded) -> bool {
        self.serves() == other.serves() && self.component.description().role == other.component.description().role
    }
}

/// Everything to load, the weakest origin first.
fn origins(config: &Config, report: &mut Report) -> Vec<Origin> {
    let components = &config.resolved.components;
    let mut origins: Vec<_> = BUILT_IN.iter().map(Origin::BuiltIn).collect();
    if let Some(directory) = &components.directory {
        match wasm_files(directory) {
            Ok(files) => origins.extend(files.into_iter().map(Origin::Directory)),
            Err(error) => diagnostics::no_directory(directory, &error, config, report),
        }
    }
    let named = components.uses.iter().enumerate();
    origins.extend(named.filter_map(|(at, used)| Some(Origin::Named(at, used.source.clone()?))));
    origins
}

fn wasm_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads, verifies and compiles on a thread where that hurts nobody.
async fn load(engine: Engine, components: &Components, origin: Origin) -> (Origin, Result<Component, Fault>) {
    let pinned = match &origin {
        Origin::Named(at, _) => components.uses.get(*at).and_then(|used| used.digest.clone()),
        Origin::BuiltIn(_) | Origin::Directory(_) => None,
    };
    let from = origin.clone();
    let loading = tokio::task::spawn_blocking(move || {
        let bytes = match from {
            Origin::BuiltIn(built_in) => Cow::Borrowed(built_in.wasm),
            Origin::Directory(path) | Origin::Named(_, path) => Cow::Owned(read(&path, FILE_BYTES)?),
        };
        let found = Digest::of(&bytes);
        if pinned.is_some_and(|pinned| pinned != format!("sha256:{found}")) {
            return Err(Fault::Digest { found });
        }
        Ok(engine.load(&bytes)?)
    });
    let result = loading.await.unwrap_or_else(|error| Err(error.into()));
    (origin, result)
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file that the configuration gives to a component, if it gives one.
async fn artefact(used: Option<&ComponentUse>, config: &Config, report: &mut Report) -> Option<ArtefactFile> {
    let (used, path) = used.and_then(|used| Some((used, used.artefact.clone()?)))?;
    let most = u64::try_from(ArtefactFile::MOST_BYTES).unwrap_or(u64::MAX);
    let reading = tokio::task::spawn_blocking({
        let path = path.clone();
        move || read(&path, most.saturating_add(1))
    });
    let too_large = || io::Error::other(format!("it has more than {most} bytes"));
    let bytes = reading.await.map_err(io::Error::other).flatten();
    match bytes.and_then(|bytes| ArtefactFile::new(bytes).ok_or_else(too_large)) {
        Ok(artefact) => Some(artefact),
        Err(error) => {
            diagnostics::no_artefact(used, &path, &error, config, report);
            None
        }
    }
}

/// Puts a component on the shelf, in the place of a weaker one for the same type.
fn shelve(shelf: &mut Vec<Loaded>, new: Loaded, config: &Config, report: &mut Report) {
    if let Origin::Named(at, _) = &new.origin {
        let named = config.resolved.components.uses.get(*at);
        if let Some(used) = named.filter(|used| used.serves != new.serves()) {
            diagnostics::serves_another(used, new.serves(), config, report);
            return;
        }
    }
    let Some(old) = shelf.iter_mut().find(|old| old.rivals(&new)) else {
        shelf.push(new);
        return;
    };
    if let (Origin::Directory(first), Origin::Directory(second)) = (&old.origin, &new.origin) {
        diagnostics::rivals(new.serves(), first, second, config, report);
        return;
    }
    *old = new;
}

/// What the configuration allows a component.
fn entry(
    loaded: Loaded,
    used: Option<&ComponentUse>,
    artefact: Option<ArtefactFile>,
    config: &Config,
    report: &mut Report,
) -> Entry {
    let built_in = match loaded.origin {
        Origin::BuiltIn(built_in) => built_in.grants(),
        Origin::Directory(_) | Origin::Named(..) => &[],
    };
    let mut grants: Vec<Capability> = built_in.iter().filter_map(|word| word.parse().ok()).collect();
    if let Some(used) = used {
        // Words that name no capability are an error of the file, which has been told.
        grants.extend(used.grants.iter().filter_map(|word| word.parse::<Capability>().ok()));
        let found = loaded.component.digest();
        // A named file was held against its digest before it was compiled.
        if used.source.is_none() && used.digest.as_ref().is_some_and(|pinned| *pinned != format!("sha256:{found}")) {
            diagnostics::unusable(&loaded.origin, &Fault::Digest { found }, config, report);
        }
    }
    let limits = limits(&loaded.component, used);
    let on_failure = used.and_then(|used| used.on_failure.as_ref()).map(|policy| match policy {
        OnFailure::Open => FailurePolicy::Open,
        OnFailure::Closed => FailurePolicy::Closed,
        OnFailure::Fallback(serves) => FailurePolicy::Fallback(serves.clone()),
    });
    let grants = grants.into_iter().collect::<Grants>();
    Entry { component: loaded.component, grants, limits, artefact, on_failure }
}

fn limits(component: &Component, used: Option<&ComponentUse>) -> Limits {
    let standard = Limits::default();
    let waits = component.description().needs.contains(&Need::Embedding);
    let deadline = if waits { EMBEDDING_DEADLINE } else { standard.deadline };
    let memory_bytes = used.and_then(|used| used.memory_bytes).and_then(|bytes| usize::try_from(bytes).ok());
    Limits {
        deadline: used.and_then(|used| used.deadline).unwrap_or(deadline),
        memory_bytes: memory_bytes.unwrap_or(standard.memory_bytes),
        ..standard
    }
}
