//! What there is to say about artefacts, at the place of the file that brought them.

use super::artefacts::{Fault, Origin};
use std::io;
use std::path::Path;
use trackside_config::{Code, ComponentUse, Config, Diagnostic, Place, Report, Span, Step};

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

pub(super) fn no_directory(directory: &Path, error: &io::Error, config: &Config, report: &mut Report) {
    let message = format!("the components directory {} cannot be read: {error}", directory.display());
    report.push(Diagnostic::error(NO_DIRECTORY, message).at(in_components(config, "directory")));
}

pub(super) fn unusable(origin: &Origin, fault: &Fault, config: &Config, report: &mut Report) {
    let (name, span) = match origin {
        Origin::BuiltIn(built_in) => (format!("the built-in {}", built_in.name), in_components(config, "use")),
        Origin::Directory(path) => (path.display().to_string(), in_components(config, "directory")),
        Origin::Named(at, path) => {
            let key = if matches!(fault, Fault::Digest { .. }) { "digest" } else { "source" };
            let used = config.resolved.components.uses.get(*at);
            (path.display().to_string(), used.and_then(|used| below(config, used, key)))
        }
    };
    let code = if matches!(fault, Fault::Digest { .. }) { DIGEST } else { UNUSABLE };
    report.push(Diagnostic::error(code, format!("component {name} cannot be used: {fault}")).at(span));
}

pub(super) fn serves_another(used: &ComponentUse, serves: &str, config: &Config, report: &mut Report) {
    let message = format!("the component that is to serve {:?} serves {serves:?}", used.serves);
    let help = format!("write type: {serves}, or name another file");
    report.push(Diagnostic::error(SERVES_ANOTHER, message).at(below(config, used, "type")).help(help));
}

/// Entries of `components.use` for types that no component serves.
pub(super) fn served_by_nobody(served: impl Fn(&str) -> bool, config: &Config, report: &mut Report) {
    let uses = config.resolved.components.uses.iter();
    // A file that could not be loaded has been told already.
    for used in uses.filter(|used| used.source.is_none() && !served(&used.serves)) {
        let message =
            format!("no component serves {:?}: expected a built-in type or one of the directory", used.serves);
        let help = "name its file under source".to_owned();
        report.push(Diagnostic::error(NOBODY, message).at(below(config, used, "type")).help(help));
    }
}

pub(super) fn rivals(serves: &str, first: &Path, second: &Path, config: &Config, report: &mut Report) {
    let message = format!("{} and {} both serve {serves:?}", first.display(), second.display());
    let help = "remove one, or name the one you mean under components.use".to_owned();
    report.push(Diagnostic::error(RIVALS, message).at(in_components(config, "directory")).help(help));
}

pub(super) fn no_artefact(used: &ComponentUse, path: &Path, error: &io::Error, config: &Config, report: &mut Report) {
    let message = format!("the artefact {} of {:?} cannot be read: {error}", path.display(), used.serves);
    report.push(Diagnostic::error(ARTEFACT, message).at(below(config, used, "artefact")));
}

fn in_components(config: &Config, key: &str) -> Option<Span> {
    config.span(&Place(["components", key].map(|key| Step::Key(key.to_owned())).to_vec()))
}

fn below(config: &Config, used: &ComponentUse, key: &str) -> Option<Span> {
    let mut place = used.place.clone();
    place.0.push(Step::Key(key.to_owned()));
    config.span(&place)
}
