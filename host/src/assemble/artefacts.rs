//! Components at hand: those inside the program, and those that the configuration brings.
//!
//! A file that serves the type of a built-in component replaces it, and one that `components.use` names replaces one of
//! the directory.

use super::known::Known;
use super::{allowed, diagnostics};
use crate::material::Reading;
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use trackside_components::{Component, Digest, Engine, LoadError};
use trackside_config::{Components, Config, Report};
use trackside_guests::{BUILT_IN, BuiltIn};
use trackside_routing::Registry;

/// A file with more bytes than this is not read; the engine accepts fewer.
pub(crate) const FILE_BYTES: u64 = 256 << 20;

/// Where a component comes from, the weakest first.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// It is part of the program.
    BuiltIn(&'static BuiltIn),
    /// It was found in the components directory.
    Directory(PathBuf),
    /// The entry of `components.use` with this position names its file.
    Named(usize, PathBuf),
    /// The entry of `components.shadow` with this position names its file. It replaces nothing.
    Candidate(usize, PathBuf),
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
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) origin: Origin,
    pub(super) component: Component,
}

/// A component at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) digest: Digest,
    /// Its file; nothing when it is part of the program.
    pub(crate) file: Option<PathBuf>,
}

/// All components at hand.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) registry: Registry,
    /// Those that are active, by the type they serve.
    pub(super) served: BTreeMap<String, Served>,
}

/// Loads everything there is that is not in memory, and pushes what cannot be used and why.
pub(super) async fn shelf(
    engine: &Engine,
    known: &Arc<Known>,
    reading: &Arc<Reading>,
    config: &Config,
    report: &mut Report,
) -> Shelf {
    let components = &config.resolved.components;
    let at_once = available_parallelism().map_or(1, NonZeroUsize::get);
    let results: Vec<_> = stream::iter(origins(config, reading, report))
        .map(|origin| load(engine, known, reading, components, origin))
        .buffered(at_once)
        .collect()
        .await;
    let (mut shelf, mut candidates) = (Vec::new(), Vec::new());
    for (origin, result) in results {
        match result.map(|component| Loaded { origin: origin.clone(), component }) {
            Ok(loaded) if matches!(origin, Origin::Candidate(..)) => candidates.push(loaded),
            Ok(loaded) => shelve(&mut shelf, loaded, config, report),
            Err(fault) => diagnostics::unusable(&origin, &fault, config, report),
        }
    }
    diagnostics::served_by_nobody(|serves| shelf.iter().any(|l| l.serves() == serves), config, report);
    let mut registry = Registry::new();
    for loaded in &shelf {
        registry.insert(allowed::entry(loaded, known, reading, config, report));
    }
    for candidate in &candidates {
        if let Some((entry, share)) = allowed::candidate(candidate, &registry, reading, config, report) {
            registry.add_candidate(entry, share);
        }
    }
    let served =
        |loaded: &Loaded| Served { digest: loaded.component.digest(), file: loaded.path().map(Path::to_owned) };
    Shelf { registry, served: shelf.iter().map(|loaded| (loaded.serves().to_owned(), served(loaded))).collect() }
}

impl Loaded {
    pub(super) fn serves(&self) -> &str {
        &self.component.description().serves
    }

    /// Its file, if it has one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::BuiltIn(_) => None,
            Origin::Directory(path) | Origin::Named(_, path) | Origin::Candidate(_, path) => Some(path),
        }
    }

    /// Whether both would be asked for the same thing.
    fn rivals(&self, other: &Loaded) -> bool {
        self.serves() == other.serves() && self.component.description().role == other.component.description().role
    }
}

/// Everything to load, the weakest origin first.
fn origins(config: &Config, reading: &Reading, report: &mut Report) -> Vec<Origin> {
    let components = &config.resolved.components;
    let mut origins: Vec<_> = BUILT_IN.iter().map(Origin::BuiltIn).collect();
    if let Some(directory) = &components.directory {
        match reading.wasm_files(directory) {
            Ok(files) => origins.extend(files.into_iter().map(Origin::Directory)),
            Err(error) => diagnostics::no_directory(directory, &error, config, report),
        }
    }
    let named = components.uses.iter().enumerate();
    origins.extend(named.filter_map(|(at, used)| Some(Origin::Named(at, used.source.clone()?))));
    let candidates = components.candidates.iter().enumerate();
    origins.extend(candidates.map(|(at, candidate)| Origin::Candidate(at, candidate.source.clone())));
    origins
}

/// Takes it from memory, or reads, verifies and compiles it on a thread where that hurts nobody.
async fn load(
    engine: &Engine,
    known: &Arc<Known>,
    reading: &Arc<Reading>,
    components: &Components,
    origin: Origin,
) -> (Origin, Result<Component, Fault>) {
    let (path, pinned) = match &origin {
        Origin::BuiltIn(built_in) => return (origin.clone(), load_built_in(engine, known, built_in).await),
        Origin::Directory(path) => (path.clone(), None),
        Origin::Named(at, path) => (path.clone(), components.uses.get(*at).and_then(|used| used.digest.clone())),
        Origin::Candidate(at, path) => {
            (path.clone(), components.candidates.get(*at).and_then(|candidate| candidate.digest.clone()))
        }
    };
    let (engine, known, reading) = (engine.clone(), Arc::clone(known), Arc::clone(reading));
    let loading = tokio::task::spawn_blocking(move || {
        let found = reading.digest(&path, FILE_BYTES)?;
        if pinned.is_some_and(|pinned| pinned != format!("sha256:{found}")) {
            return Err(Fault::Digest { found });
        }
        if let Some(component) = known.component(found) {
            return Ok(component);
        }
        let (_, bytes) = reading.bytes(&path, FILE_BYTES)?;
        Ok(known.load(&engine, &bytes)?)
    });
    (origin, loading.await.unwrap_or_else(|error| Err(error.into())))
}

async fn load_built_in(engine: &Engine, known: &Arc<Known>, which: &'static BuiltIn) -> Result<Component, Fault> {
    if let Some(component) = known.built_in(which) {
        return Ok(component);
    }
    let (engine, known) = (engine.clone(), Arc::clone(known));
    Ok(tokio::task::spawn_blocking(move || known.load_built_in(&engine, which)).await??)
}

/// Puts a component on the shelf, in the place of a weaker one for the same type.
fn shelve(shelf: &mut Vec<Loaded>, new: Loaded, config: &Config, report: &mut Report) {
    if let Origin::Named(at, _) = &new.origin {
        let named = config.resolved.components.uses.get(*at);
        if let Some(used) = named.filter(|used| used.serves != new.serves()) {
            diagnostics::serves_another(&used.serves, new.serves(), &used.place, config, report);
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
