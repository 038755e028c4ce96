//! What there is to say about artefacts and models, at the place of the file that brought them.

use super::artefacts::{Fault, Origin};
use std::io;
use std::path::Path;
use trackside_config::{Candidate, Code, ComponentUse, Config, Diagnostic, EmbeddingModel, Place, Report, Span, Step};
use trackside_inference::NoEngine;

/// The components directory cannot be read.
const NO_DIRECTORY: Code = Code("E0411");
/// A component cannot be used.
const UNUSABLE: Code = Code("E0412");
/// A file has another digest than the one pinned.
const DIGEST: Code = Code("E0413");
/// A file serves another type than the entry that names it.
const SERVES_ANOTHER: Code = Code("E0414");
/// Nothing serves the type of an entry.
const NOBODY: Code = Code("E0415");
/// Two files of the directory serve one type.
const RIVALS: Code = Code("E0416");
/// The artefact of an entry cannot be read.
const ARTEFACT: Code = Code("E0418");
/// The configured model is there and cannot be used.
const MODEL: Code = Code("E0421");
/// This machine cannot compute with the configured precision.
const NO_PRECISION: Code = Code("E0422");
/// The configured model is not there: the one inside the program serves.
const ABSENT: Code = Code("W0421");
/// A file with cases cannot be used.
const CASES: Code = Code("E0433");
/// The model of an earlier generation cannot be had again.
const MODEL_GONE: Code = Code("E0440");
/// A setting that counts only at start has changed.
const AT_START: Code = Code("W0431");
/// A candidate is the active component.
const ALREADY_ACTIVE: Code = Code("W0432");

const PRECISION: [&str; 6] = ["global", "model_catalog", "embeddings", "semantic", "embedding_config", "precision"];

pub(super) fn no_directory(directory: &Path, error: &io::Error, config: &Config, report: &mut Report) {
    let message = format!("the components directory {} cannot be read: {error}", directory.display());
    report.push(Diagnostic::error(NO_DIRECTORY, message).at(below(config, &["components", "directory"])));
}

pub(super) fn unusable(origin: &Origin, fault: &Fault, config: &Config, report: &mut Report) {
    let components = &config.resolved.components;
    let key = if matches!(fault, Fault::Digest { .. }) { "digest" } else { "source" };
    let at = |place: Option<&Place>| place.and_then(|place| config.span(&place.key(key)));
    let (name, span) = match origin {
        Origin::BuiltIn(built_in) => (format!("the built-in {}", built_in.name), below(config, &["components", "use"])),
        Origin::Directory(path) => (path.display().to_string(), below(config, &["components", "directory"])),
        Origin::Named(which, path) => {
            (path.display().to_string(), at(components.uses.get(*which).map(|used| &used.place)))
        }
        Origin::Candidate(which, path) => {
            (path.display().to_string(), at(components.candidates.get(*which).map(|candidate| &candidate.place)))
        }
    };
    let code = if matches!(fault, Fault::Digest { .. }) { DIGEST } else { UNUSABLE };
    report.push(Diagnostic::error(code, format!("component {name} cannot be used: {fault}")).at(span));
}

/// `place` is the entry that names the file.
pub(super) fn serves_another(wanted: &str, serves: &str, place: &Place, config: &Config, report: &mut Report) {
    let message = format!("the component that is to serve {wanted:?} serves {serves:?}");
    let help = format!("write type: {serves}, or name another file");
    report.push(Diagnostic::error(SERVES_ANOTHER, message).at(config.span(&place.key("type"))).help(help));
}

/// Entries of `components.use` for types that no component serves.
pub(super) fn served_by_nobody(served: impl Fn(&str) -> bool, config: &Config, report: &mut Report) {
    let uses = config.resolved.components.uses.iter();
    // A file that could not be loaded has been told already.
    for used in uses.filter(|used| used.source.is_none() && !served(&used.serves)) {
        let message =
            format!("no component serves {:?}: expected a built-in type or one of the directory", used.serves);
        let help = "name its file under source".to_owned();
        report.push(Diagnostic::error(NOBODY, message).at(config.span(&used.place.key("type"))).help(help));
    }
}

/// A candidate for a type that no component serves yet.
pub(super) fn nothing_active(candidate: &Candidate, config: &Config, report: &mut Report) {
    let message = format!("no component serves {:?}, so nothing can be tried beside it", candidate.serves);
    let help = "serve it by components.use or components.directory first".to_owned();
    report.push(Diagnostic::error(NOBODY, message).at(config.span(&candidate.place.key("type"))).help(help));
}

pub(super) fn already_active(candidate: &Candidate, config: &Config, report: &mut Report) {
    let message = format!("{} is the active component of {:?} already", candidate.source.display(), candidate.serves);
    let help = "remove the entry, or name the next one".to_owned();
    report
        .push(Diagnostic::warning(ALREADY_ACTIVE, message).at(config.span(&candidate.place.key("source"))).help(help));
}

pub(super) fn rivals(serves: &str, first: &Path, second: &Path, config: &Config, report: &mut Report) {
    let message = format!("{} and {} both serve {serves:?}", first.display(), second.display());
    let help = "remove one, or name the one you mean under components.use".to_owned();
    report.push(Diagnostic::error(RIVALS, message).at(below(config, &["components", "directory"])).help(help));
}

pub(super) fn no_artefact(used: &ComponentUse, path: &Path, error: &io::Error, config: &Config, report: &mut Report) {
    let message = format!("the artefact {} of {:?} cannot be read: {error}", path.display(), used.serves);
    report.push(Diagnostic::error(ARTEFACT, message).at(config.span(&used.place.key("artefact"))));
}

pub(super) fn no_cases(path: &Path, error: &io::Error, config: &Config, report: &mut Report) {
    let message = format!("the cases {} cannot be read: {error}", path.display());
    report.push(Diagnostic::error(CASES, message).at(below(config, &["components"])));
}

pub(super) fn unusable_model(folder: &Path, error: &anyhow::Error, config: &Config, report: &mut Report) {
    let message = format!("the embedding model {} cannot be used: {error:#}", folder.display());
    let place = config.resolved.embedding.place.as_ref();
    report.push(Diagnostic::error(MODEL, message).at(place.and_then(|place| config.span(place))));
}

pub(super) fn no_precision(error: &NoEngine, config: &Config, report: &mut Report) {
    report.push(Diagnostic::error(NO_PRECISION, error.to_string()).at(below(config, &PRECISION)));
}

pub(super) fn absent_model(wanted: &EmbeddingModel, place: &Place, config: &Config, report: &mut Report) {
    let why = match &wanted.path {
        Some(path) => format!("there is no folder {}", path.display()),
        None => "no folder is given for it".to_owned(),
    };
    let message =
        format!("the embedding model {:?} is configured, but {why}: the embedded model serves instead", wanted.name);
    let help = "put the model there, or name one with --model".to_owned();
    report.push(Diagnostic::warning(ABSENT, message).at(config.span(place)).help(help));
}

/// The model of an earlier generation, in its folder or inside the program.
pub(super) fn model_gone(folder: Option<&Path>, error: &anyhow::Error, report: &mut Report) {
    let which = folder.map_or_else(|| "inside the program".to_owned(), |folder| folder.display().to_string());
    let message = format!("the model {which} of that generation cannot be had again: {error:#}");
    report.push(Diagnostic::error(MODEL_GONE, message));
}

/// `key` leads to a setting that has another value than at the start.
pub(crate) fn counts_at_start(key: &[&str], config: &Config, report: &mut Report) {
    let message = format!("{} has changed, and counts only when the program starts", key.join("."));
    let help = "start the program again for it to take effect".to_owned();
    report.push(Diagnostic::warning(AT_START, message).at(below(config, key)).help(help));
}

fn below(config: &Config, keys: &[&str]) -> Option<Span> {
    config.span(&Place(keys.iter().map(|key| Step::Key((*key).to_owned())).collect()))
}
