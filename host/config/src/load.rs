//! From a file to [`Config`]: read, find the payload, substitute, check, resolve.

use crate::{
    Diagnostic, Environment, Place, Report, Resolved, Span, Step, codes, legacy, not_done, payload,
    resolve::{self, Uses},
    shape::{self, Strictness, check},
    spellings,
    view::View,
    yaml::{self, Node},
};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Largest file that is read. A ConfigMap holds at most 1 MiB.
const MAX_BYTES: u64 = 4 << 20;

/// v0.3's variable for the folder against which relative paths in the file count.
const BASE_DIR: &str = "VLLM_SR_CONFIG_BASE_DIR";

/// The text that a report points into.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file as the user named it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What came out of a file.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, as far as it could be read. It may only be served if the report has no errors; with errors it
    /// is here so that later checks can add what they find.
    pub config: Option<Config>,
    /// Everything there is to say about the file.
    pub report: Report,
    /// The text that the report points into.
    pub source: Source,
    /// The folder against which relative paths in the text count.
    pub base_dir: PathBuf,
}

/// A configuration and where each part of it stands.
#[derive(Debug)]
pub struct Config {
    /// The configuration, ready to use.
    pub resolved: Resolved,
    root: Node,
    pub(crate) uses: Uses,
}

/// The file could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("configuration {path:?} cannot be read")]
pub struct LoadError {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// Loads a file.
///
/// # Errors
///
/// Fails when the file cannot be read; everything about its content is in the report.
pub fn load(path: &Path, environment: &dyn Environment) -> Result<Loaded, LoadError> {
    let failed = |error| LoadError { path: path.to_owned(), error };
    // One byte over the limit is enough to know, even of a device that never ends.
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let name = path.display().to_string();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Ok(not_utf8(name, &error)),
    };
    let folder = base_dir(path, environment).map_err(failed)?;
    Ok(parse(&name, &text, &folder, environment))
}

/// The folder against which relative paths in a file count.
///
/// # Errors
///
/// Fails when the file is not there.
pub fn base_dir(path: &Path, environment: &dyn Environment) -> io::Result<PathBuf> {
    // Through symbolic links: a mounted ConfigMap's file is one.
    let real = path.canonicalize()?;
    let folder = environment.get(BASE_DIR).map(PathBuf::from).filter(|dir| dir.is_absolute());
    Ok(folder.or_else(|| real.parent().map(Path::to_owned)).unwrap_or_default())
}

/// Loads a text. Relative paths in it count from `base_dir`.
#[must_use]
pub fn parse(name: &str, text: &str, base_dir: &Path, environment: &dyn Environment) -> Loaded {
    let mut report = Report::default();
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    let config = read(text, base_dir, environment, &mut report);
    Loaded { config, report, source, base_dir: base_dir.to_owned() }
}

fn read(text: &str, base_dir: &Path, environment: &dyn Environment, report: &mut Report) -> Option<Config> {
    if text.len() as u64 > MAX_BYTES {
        report.push(Diagnostic::error(codes::TOO_LARGE, "the file is larger than 4 MiB"));
        return None;
    }
    let root = yaml::read(text, report)?;
    let mut root = payload::locate(text, root, report)?;
    crate::environment::substitute(&mut root, environment, report);
    legacy::convert(&mut root, report);
    spellings::fold(&mut root, report);
    let view = View::root(&root);
    check(&view, shape::shape(&["file"]), Strictness::All, report);
    not_done::warn(&view, report);
    let (resolved, uses) = resolve::resolve(&view, base_dir, report);
    Some(Config { resolved, uses, root })
}

fn not_utf8(name: String, error: &std::string::FromUtf8Error) -> Loaded {
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let span = Span { start: at, end: at + 1, line: before.matches('\n').count() + 1, column };
    let mut report = Report::default();
    let message = format!("the file is not UTF-8 text: byte {at} does not fit");
    report.push(Diagnostic::error(codes::NOT_UTF8, message).at(span).help("save it as UTF-8".to_owned()));
    Loaded { config: None, report, source: Source { name, text }, base_dir: PathBuf::new() }
}

impl Config {
    /// Where a place stands in the file: a scalar's value, or the key that introduces a list or a mapping. A place that
    /// does not exist, such as a missing key, is where its nearest ancestor stands.
    #[must_use]
    pub fn span(&self, place: &Place) -> Option<Span> {
        Some(match self.nearest(place) {
            (view, Found::Itself) if view.node.scalar().is_some() => view.span(),
            (view, _) => view.head,
        })
    }

    /// The configuration as it is used: the payload alone, older layouts converted, variables replaced. Credentials are in it.
    #[must_use]
    pub fn document(&self) -> serde_json::Value {
        shape::to_object(Some(&self.root), &shape::Shape::Any)
    }

    /// What stands at a place, or at its nearest ancestor that exists.
    pub(crate) fn nearest(&self, place: &Place) -> (View<'_>, Found) {
        let mut view = View::root(&self.root);
        for step in &place.0 {
            let next = match step {
                Step::Key(key) => view.node.entry(key).map(|entry| view.below(entry)),
                Step::Index(index) => view.item(*index),
            };
            match next {
                Some(next) => view = next,
                None => return (view, Found::Ancestor),
            }
        }
        (view, Found::Itself)
    }

    /// Where the key that a place ends with stands; an item of a list stands at its first key or its value.
    #[must_use]
    pub fn key_span(&self, place: &Place) -> Option<Span> {
        let (last, above) = place.0.split_last()?;
        let Step::Key(key) = last else { return self.span(place) };
        let (above, found) = self.nearest(&Place(above.to_vec()));
        let entry = above.node.entry(key).filter(|_| found == Found::Itself);
        entry.map(|e| e.key_span).or_else(|| self.span(place))
    }
}

/// Whether a place exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Itself,
    Ancestor,
}
