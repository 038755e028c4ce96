//! What the configuration allows each component, and the files that lie beside it.

use super::artefacts::{Fault, Loaded, Origin};
use super::diagnostics;
use super::known::Known;
use crate::material::Reading;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use trackside_components::{ArtefactFile, Capability, Component, FailurePolicy, Grants, Limits, Need};
use trackside_config::{ComponentUse, Config, OnFailure, Report};
use trackside_routing::{Entry, Registry, Share};

/// Longest call of a component that reads the ask's embedding: it waits for the model, which takes some milliseconds for
/// a short text, a hundred for a long one, and longer when others wait too.
const EMBEDDING_DEADLINE: Duration = Duration::from_millis(300);

/// Most bytes of a file with cases.
const CASES_BYTES: u64 = 1 << 20;

/// The entry of a component that serves its type.
pub(super) fn entry(loaded: &Loaded, known: &Known, reading: &Reading, config: &Config, report: &mut Report) -> Entry {
    let used = config.resolved.components.used(loaded.serves());
    let built_in = match loaded.origin {
        Origin::BuiltIn(built_in) => built_in.grants(),
        Origin::Directory(_) | Origin::Named(..) | Origin::Candidate(..) => &[],
    };
    let mut grants: Vec<Capability> = built_in.iter().filter_map(|word| word.parse().ok()).collect();
    if let Some(used) = used {
        grants.extend(capabilities(&used.grants));
        let found = loaded.component.digest();
        // A named file was held against its digest before it was compiled.
        if used.source.is_none() && used.digest.as_ref().is_some_and(|pinned| *pinned != format!("sha256:{found}")) {
            diagnostics::unusable(&loaded.origin, &Fault::Digest { found }, config, report);
        }
    }
    let on_failure = used.and_then(|used| used.on_failure.as_ref()).map(|policy| match policy {
        OnFailure::Open => FailurePolicy::Open,
        OnFailure::Closed => FailurePolicy::Closed,
        OnFailure::Fallback(serves) => FailurePolicy::Fallback(serves.clone()),
    });
    Entry {
        component: loaded.component.clone(),
        grants: grants.into_iter().collect::<Grants>(),
        limits: limits(&loaded.component, used),
        artefact: used.and_then(|used| artefact(used, known, reading, config, report)),
        on_failure,
        cases: loaded.path().and_then(|path| cases(path, reading, config, report)),
        origin: Some(loaded.path().map_or_else(|| "built-in".to_owned(), |path| path.display().to_string())),
    }
}

/// The entry of a component that is tried beside the active one of its type, unless there is nothing to try.
pub(super) fn candidate(
    loaded: &Loaded,
    registry: &Registry,
    reading: &Reading,
    config: &Config,
    report: &mut Report,
) -> Option<(Entry, Share)> {
    let Origin::Candidate(at, path) = &loaded.origin else { return None };
    let declared = config.resolved.components.candidates.get(*at)?;
    if declared.serves != loaded.serves() {
        diagnostics::serves_another(&declared.serves, loaded.serves(), &declared.place, config, report);
        return None;
    }
    let Some(active) = registry.get(loaded.component.description().role, loaded.serves()) else {
        diagnostics::nothing_active(declared, config, report);
        return None;
    };
    if active.component.digest() == loaded.component.digest() {
        diagnostics::already_active(declared, config, report);
        return None;
    }
    let grants = declared.grants.as_ref().map_or_else(|| active.grants.clone(), |words| capabilities(words).collect());
    let entry = Entry {
        component: loaded.component.clone(),
        grants,
        cases: cases(path, reading, config, report),
        origin: Some(path.display().to_string()),
        ..active.clone()
    };
    Some((entry, Share { shadow: declared.percent, canary: declared.canary }))
}

/// Words that name no capability are an error of the file, which has been told.
fn capabilities(words: &[String]) -> impl Iterator<Item = Capability> {
    words.iter().filter_map(|word| word.parse().ok())
}

/// The file that the configuration gives to a component, if it gives one.
fn artefact(
    used: &ComponentUse,
    known: &Known,
    reading: &Reading,
    config: &Config,
    report: &mut Report,
) -> Option<ArtefactFile> {
    let path = used.artefact.as_ref()?;
    let most = u64::try_from(ArtefactFile::MOST_BYTES).unwrap_or(u64::MAX);
    let read = || {
        if let Some(known) = known.artefact(reading.digest(path, most)?) {
            return Ok(known);
        }
        let (_, bytes) = reading.bytes(path, most)?;
        ArtefactFile::new(bytes.to_vec()).ok_or_else(|| io::Error::other(format!("it has more than {most} bytes")))
    };
    match read() {
        Ok(artefact) => {
            known.learn(&artefact);
            Some(artefact)
        }
        Err(error) => {
            diagnostics::no_artefact(used, path, &error, config, report);
            None
        }
    }
}

/// The cases beside a component, if there are any: `NAME.cases.json` beside `NAME.wasm`.
fn cases(component: &Path, reading: &Reading, config: &Config, report: &mut Report) -> Option<Arc<[u8]>> {
    let path = component.with_extension("cases.json");
    match reading.bytes(&path, CASES_BYTES) {
        Ok((_, bytes)) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            diagnostics::no_cases(&path, &error, config, report);
            None
        }
    }
}

fn limits(component: &Component, used: Option<&ComponentUse>) -> Limits {
    let standard = Limits::default();
    let waits = component.description().needs.contains(&Need::Embedding);
    let deadline = if waits { EMBEDDING_DEADLINE } else { standard.deadline };
    let Some(used) = used else { return Limits { deadline, ..standard } };
    let size = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok());
    Limits {
        deadline: used.deadline.unwrap_or(deadline),
        memory_bytes: size(used.memory_bytes).unwrap_or(standard.memory_bytes),
        output_bytes: size(used.output_bytes).unwrap_or(standard.output_bytes),
        table_elements: used.table_elements.unwrap_or(standard.table_elements),
        instances: used.instances.unwrap_or(standard.instances),
        ..standard
    }
}
