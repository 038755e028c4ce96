//! The live generation with what leads to the next one.

use super::draining::Draining;
use super::history::{History, HistoryEntry, UnknownGeneration};
use super::make::{Draft, Examined};
use super::origin::{AtStart, Origin};
use super::publish::Making;
use super::refusal::{Fault, Refusal, Why};
use super::upload::Upload;
use super::{Cause, Generation, Outcome};
use crate::assemble::{Assembled, Workshop};
use crate::exit::Failure;
use crate::material::{Archive, Material, Reading};
use crate::watch::Watched;
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};
use trackside_components::Digest;
use trackside_config::Code;
use trackside_telemetry::{Metrics, Pins};

/// Most files that are remembered as the cause of an attempt.
const MOST_FILES: usize = 16;

/// An attempt ended in a panic.
const BROKEN: Code = Code("E0441");

/// Makes generations and publishes them. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) live: ArcSwap<Generation>,
    pub(super) workshop: Workshop,
    pub(super) origin: Origin,
    pub(super) at_start: AtStart,
    pub(super) archive: Option<Arc<Archive>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) draining: Draining,
    ledger: Mutex<Ledger>,
    /// Held while a generation is made. Nothing on the request path waits for it.
    making: Arc<tokio::sync::Mutex<()>>,
}

/// What is written down of generations.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) history: History,
    pub(super) watched: Watched,
    /// What lay on disk when a generation was made of it last.
    pub(super) on_disk: Arc<Material>,
    /// Warnings of the live configuration, which have been told.
    pub(super) warnings: BTreeSet<String>,
    shut: bool,
}

/// Why nothing is served.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Something outside is missing.
    Failed(Failure),
    /// The configuration cannot be served.
    Refused(Box<Refusal>),
}

impl From<Failure> for NotStarted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Reloads {
    /// Makes the first generation.
    ///
    /// # Errors
    /// Says why it cannot be served.
    pub(crate) async fn start(workshop: Workshop, origin: Origin, metrics: &Arc<Metrics>) -> Result<Self, NotStarted> {
        let started = Instant::now();
        let loaded = origin.start()?;
        let reading = Arc::new(Reading::disk(workshop.stamps()));
        let gathered = workshop.gather(loaded, &reading).await?;
        let Assembled { made, report, source } = workshop.build(gathered, 1).await;
        let generation = match made {
            Ok(generation) => Arc::new(generation),
            Err(flaw) => {
                let fault = Fault { why: flaw.into(), report, source };
                return Err(NotStarted::Refused(Box::new(fault.refusal(Cause::Start, 0))));
            }
        };
        let archive = Archive::of_user().inspect_err(|error| {
            tracing::warn!(event = "no_archive", %error, "the way back to earlier generations depends on files as they are");
        });
        let ledger = Ledger {
            history: History::default(),
            watched: Watched::default(),
            on_disk: Arc::clone(&generation.material),
            warnings: BTreeSet::new(),
            shut: false,
        };
        let reloads = Self(Arc::new(Shared {
            at_start: AtStart::of(&generation.config),
            live: ArcSwap::new(Arc::clone(&generation)),
            workshop,
            origin,
            archive: archive.ok().map(Arc::new),
            metrics: Arc::clone(metrics),
            draining: Draining::default(),
            ledger: Mutex::new(ledger),
            making: Arc::default(),
        }));
        reloads.0.watch(&reading);
        reloads.0.tell_warnings(&report);
        let changed = vec!["everything".to_owned()];
        reloads.0.publish(&generation, &reading, Making { cause: Cause::Start, started, changed, notes: Vec::new() });
        metrics.watch_pins({
            let reloads = Arc::downgrade(&reloads.0);
            move || reloads.upgrade().map(|reloads| reloads.pins()).unwrap_or_default()
        });
        Ok(reloads)
    }

    /// Pins the live generation. Later ones do not affect it.
    pub(crate) fn pin(&self) -> Arc<Generation> {
        self.0.live.load_full()
    }

    /// Makes a generation of what lies on disk.
    pub(crate) async fn reload(&self, mut cause: Cause) -> Outcome {
        if let Cause::File(files) = &mut cause {
            files.truncate(MOST_FILES);
        }
        self.attempt(cause, Draft::Disk).await
    }

    /// Makes a generation of what an earlier one was made of. Files on disk stay as they are.
    ///
    /// # Errors
    /// When no such generation is kept.
    pub(crate) async fn rollback(&self, id: u64) -> Result<Outcome, UnknownGeneration> {
        let material = self.0.ledger().history.material(id)?;
        Ok(self.attempt(Cause::Rollback(id), Draft::Kept(material)).await)
    }

    /// Makes a generation with another configuration, and writes that in the place of the configuration file. With `over`
    /// it does so only if that is the digest of the text that is served.
    pub(crate) async fn replace_config(&self, text: String, over: Option<Digest>) -> Outcome {
        self.attempt(Cause::Api, Draft::Config { text, over }).await
    }

    /// Goes with a configuration as far as [`Reloads::replace_config`] would, and neither writes nor publishes it.
    pub(crate) async fn examine(&self, text: String) -> Result<Examined, JoinError> {
        self.in_turn(async |shared| shared.examine(text).await).await
    }

    /// Makes a generation with another component for a type, and writes that where the type's component lies.
    pub(crate) async fn replace_component(&self, serves: &str, upload: Upload) -> Outcome {
        self.attempt(Cause::Api, Draft::Component { serves: serves.to_owned(), upload }).await
    }

    /// Makes the candidate of a type its active component, and writes it where that lies.
    pub(crate) async fn promote(&self, serves: &str) -> Outcome {
        self.attempt(Cause::Promotion(serves.to_owned()), Draft::Candidate(serves.to_owned())).await
    }

    /// Everything that was published and refused, newest first.
    pub(crate) fn history(&self) -> Vec<HistoryEntry> {
        // Under this lock the pointer is moved, too.
        let ledger = self.0.ledger();
        let live = self.pin();
        let draining = self.0.draining.pins();
        let pins = |id| {
            if id == live.id() {
                return (others(&live), true);
            }
            let held = draining.iter().find(|(draining, _)| *draining == id);
            (held.map_or(0, |(_, pinned)| *pinned), false)
        };
        ledger.history.entries(pins)
    }

    /// What the next generation may be made of, also files that are missing or were refused.
    pub(crate) fn watched(&self) -> Watched {
        self.0.ledger().watched.clone()
    }

    /// Requests are served from now on.
    pub(crate) fn traffic_begins(&self) {
        self.0.workshop.engine().traffic_begins();
    }

    /// The process is about to end: no generation is made any more.
    pub(crate) fn shut(&self) {
        self.0.ledger().shut = true;
        self.0.workshop.engine().stop_loading();
    }

    /// Drops the instances of components that were at rest all the time since this was called last. Blocks.
    pub(crate) fn rest(&self) {
        self.0.workshop.engine().rest();
    }

    /// Drops generations when their last stream has ended, for as long as it is polled.
    pub(crate) async fn reap(self) {
        self.0.draining.reap().await;
    }

    async fn attempt(&self, cause: Cause, draft: Draft) -> Outcome {
        let why = cause.clone();
        let made = self.in_turn(async |shared| {
            if shared.ledger().shut {
                return Outcome::Unchanged(shared.live().id());
            }
            shared.make(cause, draft).await
        });
        match made.await {
            Ok(outcome) => outcome,
            Err(error) => {
                let message = format!("the attempt broke off: {error}");
                let fault = Fault::new(Why::Invalid, BROKEN, message, None, &self.0.origin.name());
                self.0.refuse(why, fault, Instant::now())
            }
        }
    }

    /// One piece of work at a time, on a thread that serves nobody. It goes on to its end when the caller goes away.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&Shared) -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let turn = Arc::clone(&self.0.making).lock_owned().await;
        let (shared, handle) = (Arc::clone(&self.0), Handle::current());
        spawn_blocking(move || {
            let _turn = turn;
            handle.block_on(work(&shared))
        })
        .await
    }
}

impl Shared {
    pub(super) fn live(&self) -> Arc<Generation> {
        self.live.load_full()
    }

    fn pins(&self) -> Pins {
        let live = others(&self.live());
        let draining = self.draining.pins();
        let earlier = draining.iter().map(|(_, pinned)| pinned).sum::<usize>();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Pins { live: count(live), earlier: count(earlier), generations: count(draining.len() + 1) }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many hold the live generation besides the pointer to it and the caller.
fn others(live: &Arc<Generation>) -> usize {
    Arc::strong_count(live).saturating_sub(2)
}
