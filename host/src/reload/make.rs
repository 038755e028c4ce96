//! One attempt, step by step.

use super::change;
use super::publish::Making;
use super::refusal::{Fault, Problem, Why};
use super::reloads::Shared;
use super::upload::Upload;
use super::{Cause, Generation, Outcome, persist};
use crate::assemble::{Assembled, FILE_BYTES};
use crate::exit::Failure;
use crate::material::{Instead, Material, Reading, Text};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::Digest;
use trackside_config::{Code, Diagnostic, Loaded, Report, Source};

/// The model of the command line, or the one inside the program, cannot be used.
const NO_MODEL: Code = Code("E0421");
/// A file cannot be written.
const NOT_WRITTEN: Code = Code("E0438");
/// A file of an earlier generation is gone.
const GONE: Code = Code("E0436");

/// What a generation is to be made of.
#[derive(Debug)]
pub(super) enum Draft {
    /// What lies on disk.
    Disk,
    /// That, but for the configuration. `over` is the text that it is meant to replace.
    Config { text: String, over: Option<Digest> },
    /// That, but for the configuration, which is only looked at.
    Examined(String),
    /// That, but for the component of a type.
    Component { serves: String, upload: Upload },
    /// That, but for the component of a type, whose candidate takes its place.
    Candidate(String),
    /// What an earlier generation was made of.
    Kept(Arc<Material>),
}

/// What an attempt begins with.
struct Begun {
    loaded: Loaded,
    reading: Arc<Reading>,
    /// What is written when everything else has gone well.
    persist: Option<Instead>,
}

/// What came of trying.
enum Tried {
    Unchanged,
    Good(Box<Good>),
}

/// A generation that came through everything.
struct Good {
    generation: Generation,
    /// Warnings, if anything.
    report: Report,
    source: Source,
    reading: Arc<Reading>,
    persist: Option<Instead>,
}

/// What would come of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Examined {
    /// Whether it would be published.
    pub(crate) good: bool,
    /// Errors and warnings.
    pub(crate) problems: Vec<Problem>,
    /// The same for people.
    pub(crate) rendered: String,
}

impl Examined {
    fn of(good: bool, report: &Report, source: &Source) -> Self {
        Self { good, problems: Problem::all(report, source), rendered: report.render(source) }
    }
}

impl Shared {
    /// Makes a generation and publishes it, or tells why not.
    pub(super) async fn make(&self, cause: Cause, draft: Draft) -> Outcome {
        let started = Instant::now();
        match self.attempt(&cause, draft).await {
            Ok(Tried::Unchanged) => self.unchanged(&cause),
            Ok(Tried::Good(good)) => {
                let Good { generation, report, source: _, reading, persist } = *good;
                if let Err(fault) = self.persist(persist) {
                    return self.refuse(cause, fault, started);
                }
                self.tell_warnings(&report);
                let generation = Arc::new(generation);
                let changed = change::between(&self.live(), &generation);
                let notes = notes(&cause);
                let making = Making { cause, started, changed, notes };
                Outcome::Published(Box::new(self.publish(&generation, &reading, making)))
            }
            Err(fault) => self.refuse(cause, fault, started),
        }
    }

    /// Goes all the way with a configuration, and keeps nothing of it.
    pub(super) async fn examine(&self, text: String) -> Examined {
        let tried = self.attempt(&Cause::Api, Draft::Examined(text)).await;
        self.workshop.keep_only(&self.live().material);
        match tried {
            Ok(Tried::Unchanged) => Examined { good: true, problems: Vec::new(), rendered: String::new() },
            Ok(Tried::Good(good)) => Examined::of(true, &good.report, &good.source),
            Err(Fault { report, source, .. }) => Examined::of(false, &report, &source),
        }
    }

    async fn attempt(&self, cause: &Cause, draft: Draft) -> Result<Tried, Fault> {
        let is_on_disk = matches!(draft, Draft::Disk);
        let Begun { loaded, reading, persist } = self.begin(draft)?;
        let gathered = self.workshop.gather(loaded, &reading).await;
        let mut gathered = gathered.map_err(|failure| self.no_model(&failure))?;
        if is_on_disk && gathered.config().is_some() {
            self.watch(&reading);
        }
        gathered.checked(|config, report| self.at_start.check(config, report));
        if gathered.material().is_some_and(|material| self.is_served(material, cause)) {
            return Ok(Tried::Unchanged);
        }
        let Assembled { made, report, source } = self.workshop.build(gathered, self.live().id() + 1).await;
        match made {
            Ok(generation) => Ok(Tried::Good(Box::new(Good { generation, report, source, reading, persist }))),
            Err(flaw) => Err(Fault { why: flaw.into(), report, source }),
        }
    }

    fn begin(&self, draft: Draft) -> Result<Begun, Fault> {
        let stamps = self.workshop.stamps();
        let of_disk = |loaded| Begun { loaded, reading: Arc::new(Reading::disk(stamps)), persist: None };
        Ok(match draft {
            Draft::Disk => of_disk(self.origin.load()?),
            Draft::Config { text, over } => {
                let file = self.replaceable(over)?;
                let begun = of_disk(self.origin.parse(&file, &text)?);
                Begun { persist: Some(Instead { path: file, bytes: text.into_bytes().into() }), ..begun }
            }
            Draft::Examined(text) => of_disk(match &self.origin.file {
                Some(file) => self.origin.parse(file, &text)?,
                None => {
                    self.origin.strictly(Text { text: text.into(), ..self.live().material.config().clone() }.load())
                }
            }),
            Draft::Component { serves, upload } => {
                let bytes = self.uploaded(upload)?;
                self.begin_with(Instead { path: self.place_of(&serves, &bytes)?, bytes })?
            }
            Draft::Candidate(serves) => {
                let bytes = self.candidate(&serves)?;
                self.begin_with(Instead { path: self.place_of(&serves, &bytes)?, bytes })?
            }
            Draft::Kept(material) => {
                let reading = Reading::kept(Arc::clone(&material), self.archive.clone());
                self.check_kept(&material, &reading)?;
                let loaded = self.origin.strictly(material.config().load());
                Begun { loaded, reading: Arc::new(reading), persist: None }
            }
        })
    }

    fn begin_with(&self, instead: Instead) -> Result<Begun, Fault> {
        let reading = Arc::new(Reading::disk_but(self.workshop.stamps(), instead.clone()));
        Ok(Begun { loaded: self.origin.load()?, reading, persist: Some(instead) })
    }

    /// The configuration file, if it still has the text that is to be replaced.
    fn replaceable(&self, over: Option<Digest>) -> Result<PathBuf, Fault> {
        let live = self.live().material.config().digest;
        if let Some(over) = over.filter(|over| *over != live) {
            let message = format!("the configuration is no longer sha256:{over}, but sha256:{live}");
            return Err(self.fault(Why::Overtaken, NOT_WRITTEN, message, "get it again, and make the change there"));
        }
        self.origin.file.clone().ok_or_else(|| {
            let message = "the configuration is the built-in one, which cannot be written".to_owned();
            self.fault(Why::Impossible, NOT_WRITTEN, message, "start the program with --config FILE")
        })
    }

    /// Whether everything is at hand that an earlier generation was made of. What is in memory need not be read.
    fn check_kept(&self, material: &Material, reading: &Reading) -> Result<(), Fault> {
        let mut report = Report::default();
        for (path, digest) in material.files().filter(|(_, digest)| !self.workshop.knows(*digest)) {
            if let Err(error) = reading.bytes(path, FILE_BYTES) {
                let short = digest.short();
                let message = format!("{} with digest {short} is not kept any more: {error}", path.display());
                report.push(Diagnostic::error(GONE, message));
            }
        }
        if report.is_ok() {
            return Ok(());
        }
        let source = Source { name: material.config().name.clone(), text: String::new() };
        Err(Fault { why: Why::Impossible, report, source })
    }

    fn persist(&self, what: Option<Instead>) -> Result<(), Fault> {
        let Some(Instead { path, bytes }) = what else { return Ok(()) };
        persist::replace(&path, &bytes).map_err(|error| {
            let message = format!("{} cannot be written: {error}", path.display());
            self.fault(Why::NotPersisted, NOT_WRITTEN, message, "make it writable, or change it where it comes from")
        })
    }

    fn no_model(&self, failure: &Failure) -> Fault {
        let message = failure.to_string();
        self.fault(Why::Invalid, NO_MODEL, message, "the model is the one that the program was started with")
    }

    pub(super) fn fault(&self, why: Why, code: Code, message: String, help: &str) -> Fault {
        Fault::new(why, code, message, Some(help), &self.origin.name())
    }
}

fn notes(cause: &Cause) -> Vec<String> {
    match cause {
        Cause::Rollback(_) => {
            vec!["files on disk are as they were: the next change of one of them makes a generation of them".to_owned()]
        }
        _ => Vec::new(),
    }
}
