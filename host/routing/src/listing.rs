//! The components of a snapshot, for people: what they are, what they may take, and how they fare.

use crate::guarded::Guarded;
use crate::record::Part;
use crate::registry::{Entry, Registry};
use crate::snapshot::Snapshot;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use trackside_components::{Digest, Limits};
use trackside_telemetry::Breaker;

/// One component at hand, used or not.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) part: Part,
    /// Its digest.
    digest: Digest,
    report: ComponentReport,
    /// Itself, where a stage of the snapshot uses it: of others only what is told is kept.
    pub(crate) entry: Option<Entry>,
}

/// One component.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentReport {
    /// `ask`, `signal`, `ranking`, `selector` or `request-plugin`.
    pub role: &'static str,
    /// The type it serves.
    pub serves: String,
    /// Whether it is active, or a candidate that is tried beside the active one.
    pub part: Part,
    /// Its identity, 64 hex digits.
    pub digest: String,
    /// Its own version.
    pub version: String,
    /// Where it comes from, if that is known.
    pub origin: Option<String>,
    /// With how many different settings it is in use; 0 when nothing reaches it.
    pub configured: usize,
    /// Its instances, over all settings.
    pub instances: InstancesReport,
    /// Its breakers, over all settings.
    pub breaker: BreakerReport,
    /// What it may take.
    pub limits: LimitsReport,
    /// What happens when it fails: `open`, `closed` or `fallback:<type>`.
    pub on_failure: String,
    /// The digest of the candidate that is tried beside it, and on how much of the traffic.
    pub shadow: Option<ShareReport>,
}

/// Instances of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InstancesReport {
    /// Made since it was configured.
    pub created: u64,
    /// Dropped: trapped, stopped, cancelled or grown too large.
    pub dropped: u64,
    /// At rest now.
    pub idle: usize,
}

/// Breakers of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BreakerReport {
    /// `closed`, `half_open` or `open`: the worst of them.
    pub state: &'static str,
    /// Calls that failed.
    pub failures: u64,
    /// How often one opened.
    pub opened: u64,
}

/// What a component may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LimitsReport {
    /// Memory of one instance.
    pub memory_bytes: usize,
    /// Elements of the tables of one instance.
    pub table_elements: usize,
    /// Instances at once.
    pub instances: usize,
    /// One call, milliseconds.
    pub deadline_ms: f64,
    /// What one call may return.
    pub output_bytes: usize,
}

/// A candidate and its share of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareReport {
    /// Its digest.
    pub candidate: String,
    /// Percent of the requests on which it runs beside the active one.
    pub shadow_percent: f64,
    /// Percent of the requests that it decides.
    pub canary_percent: f64,
}

/// Everything at hand. `used` are the digests of the components in some stage.
pub(crate) fn of(registry: &Registry, used: &BTreeSet<Digest>) -> Vec<Listed> {
    let active = registry.entries().map(|entry| listed(entry, Part::Active, registry, used));
    active.chain(registry.candidates().map(|entry| listed(entry, Part::Candidate, registry, used))).collect()
}

fn listed(entry: &Entry, part: Part, registry: &Registry, used: &BTreeSet<Digest>) -> Listed {
    let (component, description) = (&entry.component, entry.component.description());
    let digest = component.digest();
    let tried = registry.candidate(description.role, &description.serves).filter(|_| part == Part::Active);
    let share = tried.map(|(candidate, share)| ShareReport {
        candidate: candidate.component.digest().to_string(),
        shadow_percent: share.shadow,
        canary_percent: share.canary,
    });
    let report = ComponentReport {
        role: description.role.as_str(),
        serves: description.serves.clone(),
        part,
        digest: digest.to_string(),
        version: description.version.clone(),
        origin: entry.origin.clone(),
        configured: 0,
        instances: InstancesReport::default(),
        breaker: BreakerReport { state: Breaker::Closed.as_str(), failures: 0, opened: 0 },
        limits: limits(&entry.limits),
        on_failure: entry.policy().to_string(),
        shadow: share,
    };
    Listed { part, digest, report, entry: used.contains(&digest).then(|| entry.clone()) }
}

fn limits(limits: &Limits) -> LimitsReport {
    LimitsReport {
        memory_bytes: limits.memory_bytes,
        table_elements: limits.table_elements,
        instances: limits.instances,
        deadline_ms: limits.deadline.as_secs_f64() * 1e3,
        output_bytes: limits.output_bytes,
    }
}

impl Listed {
    pub(crate) fn role(&self) -> &'static str {
        self.report.role
    }

    pub(crate) fn serves(&self) -> &str {
        &self.report.serves
    }

    pub(crate) fn is_made_of(&self, guarded: &Guarded) -> bool {
        guarded.configured.component().digest() == self.digest
    }

    /// The report, with how it fares in these settings.
    pub(crate) fn report<'a>(&self, guarded: impl Iterator<Item = &'a Arc<Guarded>>) -> ComponentReport {
        let mut report = self.report.clone();
        let mut worst = Breaker::Closed;
        for guarded in guarded {
            let counts = guarded.configured.instances();
            report.configured += 1;
            report.instances.created += counts.created;
            report.instances.dropped += counts.dropped;
            report.instances.idle += counts.idle;
            worst = worst.max(guarded.breaker.position());
            report.breaker.failures += guarded.breaker.failures();
            report.breaker.opened += guarded.breaker.opened();
        }
        report.breaker.state = worst.as_str();
        report
    }
}

impl Snapshot {
    /// Every component at hand, used or not.
    #[must_use]
    pub fn components(&self) -> Vec<ComponentReport> {
        let mut members: Vec<&Arc<Guarded>> = Vec::new();
        for member in self.seats().flat_map(|seat| seat.stage.members().collect::<Vec<_>>()) {
            if !members.iter().any(|known| Arc::ptr_eq(known, member.guarded)) {
                members.push(member.guarded);
            }
        }
        let report = |listed: &Listed| listed.report(members.iter().copied().filter(|one| listed.is_made_of(one)));
        self.listed.iter().map(report).collect()
    }

    /// How the candidate for a type compares with the active component. `None` when none is tried, or nothing asks the
    /// type.
    #[must_use]
    pub fn shadows(&self, serves: &str) -> Option<crate::ShadowReport> {
        let understudy =
            self.seats().filter(|seat| seat.stage.serves == serves).find_map(|seat| seat.stage.understudy.as_ref())?;
        let tried = |listed: &&Listed| listed.part == Part::Candidate && listed.is_made_of(&understudy.guarded);
        let origin = self.listed.iter().find(tried).and_then(|listed| listed.report.origin.clone());
        Some(understudy.comparison.report(&understudy.pair, understudy.share, origin))
    }
}
