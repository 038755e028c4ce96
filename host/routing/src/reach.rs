//! What of a profile its decisions reach: nothing else is evaluated.

use crate::rules;
use std::collections::{BTreeMap, HashSet};
use trackside_config::{InputValue, Profile, Projections, Rule, Score, ScoreInput};

/// The leaf type that refers to the output of a mapping.
pub(crate) const PROJECTION: &str = "projection";

/// The part of a profile that its decisions reach.
pub(crate) struct Reach<'a> {
    /// Signal types.
    pub(crate) signals: HashSet<&'a str>,
    /// Names of scores.
    scores: HashSet<&'a str>,
}

impl<'a> Reach<'a> {
    /// Follows the decisions' leaves: to signals, through projections, and through the conditions of signals' rules.
    pub(crate) fn of(profile: &'a Profile) -> Reach<'a> {
        let leaves = profile.decisions.iter().flat_map(|decision| rules::leaves(&decision.rules));
        let (derived, mut signals): (Vec<_>, HashSet<&str>) =
            leaves.fold((Vec::new(), HashSet::new()), |(mut derived, mut signals), leaf| {
                if leaf.signal == PROJECTION {
                    derived.push(leaf.name.as_str());
                } else {
                    signals.insert(leaf.signal.as_str());
                }
                (derived, signals)
            });
        let scores = scores(&profile.projections, derived);
        let used = profile.projections.scores.iter().filter(|score| scores.contains(score.name.as_str()));
        signals.extend(used.flat_map(|score| &score.inputs).filter_map(signal));
        let declared = signals.iter().filter_map(|kind| profile.signals.get(*kind));
        let conditions: Vec<&Rule> =
            declared.flat_map(|declared| &declared.rules).filter_map(|rule| rule.condition.as_ref()).collect();
        signals.extend(conditions.into_iter().flat_map(rules::leaves).map(|leaf| leaf.signal.as_str()));
        Reach { signals, scores }
    }

    /// The projections without those that nobody reads.
    pub(crate) fn projections(&self, declared: &Projections) -> Projections {
        let partitions = declared.partitions.iter().filter(|p| self.signals.contains(p.signal.as_str()));
        let scores = declared.scores.iter().filter(|score| self.scores.contains(score.name.as_str()));
        Projections {
            partitions: partitions.cloned().collect(),
            scores: scores.cloned().collect(),
            embedding_top_k: declared.embedding_top_k,
        }
    }
}

/// The scores behind some outputs of mappings, and those that these read.
fn scores<'a>(projections: &'a Projections, outputs: Vec<&'a str>) -> HashSet<&'a str> {
    let of_output: BTreeMap<&str, &Score> = projections
        .scores
        .iter()
        .flat_map(|score| score.mappings.iter().flat_map(|m| &m.outputs).map(move |o| (o.name.as_str(), score)))
        .collect();
    let by_name: BTreeMap<&str, &Score> = projections.scores.iter().map(|score| (score.name.as_str(), score)).collect();
    let mut waiting: Vec<&Score> = outputs.into_iter().filter_map(|output| of_output.get(output).copied()).collect();
    let mut reached = HashSet::new();
    while let Some(score) = waiting.pop() {
        if reached.insert(score.name.as_str()) {
            waiting.extend(score.inputs.iter().filter_map(|input| match &input.value {
                InputValue::Score(name) => by_name.get(name.as_str()).copied(),
                InputValue::Output(name) => of_output.get(name.as_str()).copied(),
                _ => None,
            }));
        }
    }
    reached
}

/// The signal type that an input reads.
fn signal(input: &ScoreInput) -> Option<&str> {
    match &input.value {
        InputValue::Binary { of, .. } | InputValue::Confidence(of) | InputValue::Raw(of) => Some(&of.signal),
        InputValue::Score(_) | InputValue::Output(_) => None,
    }
}
