//! Where the stages of a snapshot stand, and what they may be asked there.

use crate::call::{OnFailure, Stage};
use crate::guarded::Guarded;
use crate::profile::{Decision, Profile};
use crate::question::Question;
use crate::record::Part;
use crate::snapshot::Snapshot;
use std::sync::Arc;
use trackside_components::types::{MatchedDecision, Route};
use trackside_config::Place;

/// A stage in its place.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    pub(crate) stage: &'a Stage,
    within: Within<'a>,
}

/// What a stage belongs to.
#[derive(Debug)]
enum Within<'a> {
    Ask,
    Signals,
    Ranking(&'a Profile),
    Selection(&'a Decision),
    /// The plugins of a decision; without one those of every decision.
    Plugins(Option<&'a Decision>),
}

/// One of the components that a stage calls.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) part: Part,
    pub(crate) serves: &'a str,
    pub(crate) guarded: &'a Arc<Guarded>,
    pub(crate) place: &'a Place,
}

impl Snapshot {
    /// Every stage.
    pub(crate) fn seats(&self) -> impl Iterator<Item = Seat<'_>> {
        let shared = [(self.ask.as_ref(), Within::Ask), (self.reasoning.as_ref(), Within::Plugins(None))];
        let shared = shared.into_iter().filter_map(|(stage, within)| Some(Seat { stage: stage?, within }));
        shared.chain(self.profiles.iter().flat_map(seats_of))
    }
}

fn seats_of(profile: &Profile) -> impl Iterator<Item = Seat<'_>> {
    let signals = profile.signals.values().map(|signal| Seat { stage: &signal.stage, within: Within::Signals });
    let ranking = profile.ranking.iter().map(|stage| Seat { stage, within: Within::Ranking(profile) });
    signals.chain(ranking).chain(profile.decisions.iter().flat_map(seats_of_decision))
}

fn seats_of_decision(decision: &Decision) -> impl Iterator<Item = Seat<'_>> {
    let Decision { selection, plugins, .. } = decision;
    let selector = selection.selector.iter().map(move |stage| Seat { stage, within: Within::Selection(decision) });
    selector.chain(plugins.iter().map(move |stage| Seat { stage, within: Within::Plugins(Some(decision)) }))
}

impl Seat<'_> {
    /// What the stage may be asked here, beside the request: everything matches. Nothing where it is never asked.
    pub(crate) fn question(&self) -> Option<Question> {
        Some(match self.within {
            Within::Ask => Question::Ask,
            Within::Signals => Question::Signals,
            Within::Ranking(profile) if profile.decisions.is_empty() => return None,
            Within::Ranking(profile) => Question::Order(profile.decisions.iter().map(matched).collect()),
            Within::Selection(decision) => decision.selection.question(&decision.name, &[]),
            Within::Plugins(decision) => Question::Edits(decision.map_or_else(route_of_nothing, route)),
        })
    }
}

fn matched(decision: &Decision) -> MatchedDecision {
    let Decision { name, priority, tier, .. } = decision;
    MatchedDecision { name: name.clone(), priority: *priority, tier: *tier, confidence: 1.0, extra: Vec::new() }
}

fn route(decision: &Decision) -> Route {
    let first = decision.selection.targets.first();
    Route {
        decision: decision.name.clone(),
        model: first.map(|target| target.model.clone()).unwrap_or_default(),
        adapter: first.and_then(|target| target.adapter.clone()),
        use_reasoning: first.is_some_and(|target| target.use_reasoning),
        reasoning_effort: first.and_then(|target| target.reasoning_effort.clone()),
        ..route_of_nothing()
    }
}

fn route_of_nothing() -> Route {
    Route {
        decision: String::new(),
        model: String::new(),
        adapter: None,
        use_reasoning: false,
        reasoning_effort: None,
        extra: Vec::new(),
    }
}

impl Stage {
    /// Everybody who may be called in this place.
    pub(crate) fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let Stage { serves, guarded, on_failure, understudy, place } = self;
        let active = Member { part: Part::Active, serves, guarded, place };
        let candidate = understudy.iter().map(|understudy| Member {
            part: Part::Candidate,
            serves: &understudy.pair.serves,
            guarded: &understudy.guarded,
            place: &understudy.place,
        });
        let fallback = match on_failure {
            OnFailure::Fallback(stage) => Some(&**stage),
            OnFailure::Open | OnFailure::Closed => None,
        };
        let fallback = fallback.map(|stage| Member {
            part: Part::Fallback,
            serves: &stage.serves,
            guarded: &stage.guarded,
            place: &stage.place,
        });
        std::iter::once(active).chain(candidate).chain(fallback)
    }
}
