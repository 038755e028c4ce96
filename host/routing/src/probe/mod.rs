//! Tries a snapshot before it is published: the cases of its components, each new stage once, and one request for each
//! profile. Nothing of it counts: not in the metrics of decisions, not in breakers.

mod case;
mod cases;
mod expect;
mod trial;

use crate::exchange::{Answer, Headers, Incoming};
use crate::guarded::Guarded;
use crate::listing::Listed;
use crate::names::Resolution;
use crate::record::{DecisionRecord, Part, ReasonCode};
#[cfg(test)]
use crate::registry::Entry;
use crate::seat::Member;
use crate::snapshot::Snapshot;
use cases::Fault;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;
#[cfg(test)]
use trackside_components::Embed;
use trackside_components::{CallError, Digest};
use trackside_config::{Code, Config, Diagnostic, Place, Report};
use trackside_telemetry::Metrics;
use trial::{ID, PATIENCE, TRIES, Trial};

/// A component fails on a request that was made up to try it.
const FAILS: Code = Code("E0431");
/// A case of a component comes out otherwise than it says.
const CASE_FAILS: Code = Code("E0432");
/// The cases of a component cannot be run.
const NO_CASES: Code = Code("E0433");
/// A profile refuses the request that was made up to try it.
const PROFILE_REFUSES: Code = Code("E0434");

impl Snapshot {
    /// Tries what is new in this snapshot, and pushes what failed. What came through is not tried again in later snapshots
    /// that carry it over. Takes as long as the components: with their cases up to half a minute each.
    pub async fn probe(&self, config: &Config, report: &mut Report) {
        for listed in &self.listed {
            self.try_cases(listed, config, report).await;
        }
        self.try_stages(config, report).await;
        if report.is_ok() {
            self.try_profiles(report).await;
        }
    }

    /// The component's own cases, unless they have been run with the same component, limits and model.
    async fn try_cases(&self, listed: &Listed, config: &Config, report: &mut Report) {
        let Some(entry) = &listed.entry else { return };
        let Some(cases) = entry.own_cases() else { return };
        let identity = entry.component.identity(&entry.setup(&Value::Null, &self.embed));
        let key = Digest::of(&[identity.to_string().as_bytes(), cases].concat());
        if self.carried.has_proven(key) {
            return;
        }
        let faults = cases::run(entry, cases, &self.embed).await;
        let user = self.user_of(listed);
        if let (true, Some((guarded, _))) = (faults.is_empty(), &user) {
            self.carried.prove(key, guarded);
        }
        let place = named_at(listed, config).or(user.map(|(_, place)| place));
        for fault in faults {
            let code = if matches!(fault, Fault::Failed { .. } | Fault::More(_)) { CASE_FAILS } else { NO_CASES };
            let who = name(listed.part, listed.role(), listed.serves());
            let span = place.as_ref().and_then(|place| config.span(place));
            report.push(Diagnostic::error(code, format!("{who}: {fault}")).at(span));
        }
    }

    /// Some stage that uses a component.
    fn user_of(&self, listed: &Listed) -> Option<(Arc<Guarded>, Place)> {
        self.seats().find_map(|seat| {
            let mut members = seat.stage.members();
            let user = members.find(|member| listed.is_made_of(member.guarded))?;
            Some((Arc::clone(user.guarded), user.place.clone()))
        })
    }

    /// Every component with its settings, once.
    async fn try_stages(&self, config: &Config, report: &mut Report) {
        let Ok(trial) = Trial::plain() else { return };
        let mut tried: Vec<&Arc<Guarded>> = Vec::new();
        for seat in self.seats() {
            let Some(question) = seat.question() else { continue };
            for member in seat.stage.members().filter(|member| !member.guarded.is_proven()) {
                if tried.iter().any(|tried| Arc::ptr_eq(tried, member.guarded)) {
                    continue;
                }
                tried.push(member.guarded);
                match trial.ask(&member.guarded.configured, &question).await {
                    // That it cannot help here is an answer too.
                    Ok(_) | Err(CallError::Failure { .. }) => member.guarded.prove(),
                    Err(error) => report.push(failed(&member, &error, config)),
                }
            }
        }
    }

    /// One request for each profile, all the way.
    async fn try_profiles(&self, report: &mut Report) {
        let listed = self.models();
        let Some(asked) = listed.iter().find(|model| model.resolution == Resolution::Virtual) else { return };
        let metrics = Arc::new(Metrics::new(""));
        for profile in self.profiles.iter() {
            let mut refusal = None;
            for _ in 0..TRIES {
                let incoming = Incoming {
                    profile: Some(profile.name.clone()),
                    deadline: Instant::now() + PATIENCE,
                    ..Incoming::new(ID.to_owned(), Headers::default(), trial::body(&asked.id))
                };
                refusal = refused(&self.rehearse(incoming, Arc::clone(&metrics)).await);
                if refusal.is_none() {
                    break;
                }
            }
            if let Some(why) = refusal {
                let message = format!("profile {:?} refuses a request made up to try it: {why}", profile.name);
                report.push(Diagnostic::error(PROFILE_REFUSES, message));
            }
        }
    }
}

/// What failed, if that is why the request was refused.
fn refused(answer: &Answer) -> Option<String> {
    let record: &DecisionRecord = match answer {
        Answer::Respond(reply) => reply.record.as_ref()?,
        Answer::Forward(_) => return None,
    };
    (record.reason_code == ReasonCode::ComponentFailed).then(|| record.degraded.join(", "))
}

fn failed(member: &Member<'_>, error: &CallError, config: &Config) -> Diagnostic {
    let role = member.guarded.configured.component().description().role.as_str();
    let who = name(member.part, role, member.serves);
    let (message, help) = match error {
        CallError::Deadline { .. } => (
            format!("{who} {error} {TRIES} times on a request made up to try it"),
            Some("give it more time under limits.deadline of its entry in components.use"),
        ),
        CallError::Memory { .. } => (
            format!("{who} {error} on a request made up to try it"),
            Some("give it more under limits.memory of its entry in components.use"),
        ),
        error => (format!("{who} failed on a request made up to try it: {error}"), None),
    };
    Diagnostic::error(FAILS, message).at(config.span(member.place)).help(help.map(str::to_owned))
}

fn name(part: Part, role: &str, serves: &str) -> String {
    match part {
        Part::Candidate => format!("the candidate for {role} component {serves:?}"),
        Part::Active | Part::Fallback => format!("{role} component {serves:?}"),
    }
}

/// The entry of the configuration that brings or adjusts a component.
fn named_at(listed: &Listed, config: &Config) -> Option<Place> {
    let components = &config.resolved.components;
    let serves = listed.serves();
    match listed.part {
        Part::Candidate => components.candidate(serves).map(|candidate| candidate.place.clone()),
        Part::Active | Part::Fallback => components.used(serves).map(|used| used.place.clone()),
    }
}

/// Runs cases apart from any snapshot, and tells what is wrong.
#[cfg(test)]
pub(crate) async fn run_cases(entry: &Entry, cases: &[u8], embed: &Arc<dyn Embed>) -> Vec<String> {
    cases::run(entry, cases, embed).await.iter().map(Fault::to_string).collect()
}
