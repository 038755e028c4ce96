//! From a component and its settings to a stage of the pipeline: configured, or carried over from an earlier snapshot.

use crate::build::Build;
use crate::call::{OnFailure, Stage};
use crate::guarded::Guarded;
use crate::registry::{Entry, Share};
use crate::settings::{Origin, Settings};
use crate::shadow::{Pair, Understudy};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use trackside_components::{Digest, FailurePolicy, Role};
use trackside_config::{Code, Diagnostic, Place, Report};

/// A component refused its settings, or could not be started with them.
const NOT_CONFIGURED: Code = Code("E0402");
/// A failure policy names a component that does not exist.
const NO_FALLBACK: Code = Code("E0403");

/// Makes the stages of one snapshot.
pub(crate) struct Stages<'a> {
    pub(crate) build: &'a Build<'a>,
    pub(crate) report: &'a mut Report,
    /// The digests of the components that are in some stage.
    pub(crate) used: BTreeSet<Digest>,
}

impl Stages<'_> {
    /// One component with its settings, its failure policy and, if one is tried, its understudy. `None` when nobody serves
    /// the type or it was refused; then the report says why.
    pub(crate) async fn stage(&mut self, role: Role, serves: &str, mut settings: Settings) -> Option<Stage> {
        let build = self.build;
        let entry = build.registry.get(role, serves)?;
        let who = format!("{} component {serves:?}", role.as_str());
        if !self.accepts(entry, &mut settings, &who) {
            return None;
        }
        let place = self.place(&settings.origin, serves);
        let guarded = self.guarded(entry, serves, &settings, &who).await?;
        let understudy = match build.registry.candidate(role, serves) {
            Some((candidate, share)) => Some(self.understudy(entry, candidate, share, &settings).await?),
            None => None,
        };
        let fallback = match entry.policy() {
            FailurePolicy::Fallback(other) if other != serves => self.fallback(role, other, settings, &who).await,
            _ => None,
        };
        let on_failure = OnFailure::new(entry.policy(), fallback);
        Some(Stage { serves: serves.to_owned(), guarded, on_failure, understudy, place })
    }

    fn accepts(&mut self, entry: &Entry, settings: &mut Settings, who: &str) -> bool {
        settings.check(&who, &entry.component.description().schema, self.build.config, self.report)
    }

    /// The component that answers for a failed one. It gets the same settings, or none where its schema refuses them.
    async fn fallback(&mut self, role: Role, serves: &str, settings: Settings, who: &str) -> Option<Stage> {
        let Some(entry) = self.build.registry.get(role, serves) else {
            let message = format!("{who} falls back to {serves:?}, which no {} component serves", role.as_str());
            self.report.push(Diagnostic::error(NO_FALLBACK, message));
            return None;
        };
        let accepted =
            jsonschema::validator_for(&entry.component.description().schema).is_ok_and(|v| v.is_valid(&settings.value));
        let place = self.place(&settings.origin, serves);
        let settings = if accepted { settings } else { Settings { value: json!({}), origin: Origin::Host } };
        // A fallback has no fallback of its own, so that a circle cannot arise.
        let guarded = self.guarded(entry, serves, &settings, who).await?;
        Some(Stage { serves: serves.to_owned(), guarded, on_failure: OnFailure::Open, understudy: None, place })
    }

    /// The component that is tried in the place of another one, with that one's settings.
    async fn understudy(
        &mut self,
        active: &Entry,
        candidate: &Entry,
        share: Share,
        settings: &Settings,
    ) -> Option<Arc<Understudy>> {
        let description = candidate.component.description();
        let (role, serves) = (description.role, &description.serves);
        let who = format!("the candidate for {} component {serves:?}", role.as_str());
        let mut settings = settings.clone();
        if !self.accepts(candidate, &mut settings, &who) {
            return None;
        }
        let guarded = self.guarded(candidate, &Understudy::name_of(serves), &settings, &who).await?;
        let (active, candidate) = (active.component.digest(), candidate.component.digest());
        let pair = Pair { role, serves: serves.clone(), active, candidate };
        let comparison = self.build.carried.comparison(pair.clone());
        let place = self.build.config.resolved.components.candidate(serves).map(|entry| entry.place.clone());
        let metrics = Arc::clone(&self.build.metrics);
        Some(Arc::new(Understudy::new(pair, guarded, share, comparison, place.unwrap_or_default(), metrics)))
    }

    /// The component with these settings: the one that an earlier snapshot has, or a new one.
    async fn guarded(&mut self, entry: &Entry, name: &str, settings: &Settings, who: &str) -> Option<Arc<Guarded>> {
        let Build { config, embed, carried, metrics, .. } = self.build;
        let setup = entry.setup(&settings.value, embed);
        let identity = entry.component.identity(&setup);
        self.used.insert(entry.component.digest());
        if let Some(guarded) = carried.find(identity) {
            return Some(guarded);
        }
        match entry.component.configure(setup).await {
            Ok(configured) => {
                let (name, metrics) = (name.to_owned(), Arc::clone(metrics));
                let guarded = Arc::new(Guarded::new(configured, identity, name, entry.limits.deadline, metrics));
                carried.keep(&guarded);
                Some(guarded)
            }
            Err(error) => {
                let message = format!("{who} could not be configured: {error}");
                let span = config.span(&settings.origin.place(&[]));
                self.report.push(Diagnostic::error(NOT_CONFIGURED, message).at(span));
                None
            }
        }
    }

    /// Where the settings stand, or else the entry that adjusts the component.
    fn place(&self, origin: &Origin, serves: &str) -> Place {
        let place = origin.place(&[]);
        if !place.0.is_empty() {
            return place;
        }
        let used = self.build.config.resolved.components.used(serves);
        used.map(|used| used.place.clone()).unwrap_or_default()
    }
}
