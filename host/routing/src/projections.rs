//! Projections: partitions settle which of several matches holds, scores add matches up, and mappings name ranges of scores.

use crate::reach::PROJECTION;
use crate::rules::{Found, holds};
use crate::signals::Evaluation;
use std::collections::HashMap;
use trackside_components::types::{Match, SignalMatch};
use trackside_config::{Emit, InputValue, Mapping, MappingOutput, Partition, Predicate, Projections, Score, Semantics};

/// The signal that `embedding_top_k` cuts.
const EMBEDDING: &str = "embedding";

/// What scores and mappings came to.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    /// The value of each score, in the order in which they were computed.
    pub(crate) scores: Vec<(String, f64)>,
    /// The outputs that hold, as matches of type `projection`: the value is the score's.
    pub(crate) outputs: Vec<SignalMatch>,
}

/// Leaves one member of each partition.
pub(crate) fn settle(partitions: &[Partition], evaluations: &mut [Evaluation]) {
    for partition in partitions {
        if let Some(evaluation) = evaluations.iter_mut().find(|e| e.signal == partition.signal) {
            settle_one(partition, &mut evaluation.matches);
        }
    }
}

fn settle_one(partition: &Partition, matches: &mut Vec<Match>) {
    let is_member = |found: &Match| partition.members.contains(&found.rule);
    let members: Vec<f64> = matches.iter().filter(|m| is_member(m)).map(|m| m.confidence.into()).collect();
    let Some(highest) = members.iter().copied().reduce(f64::max) else {
        matches.push(Match {
            rule: partition.default.clone(),
            confidence: 1.0,
            value: None,
            detail: format!("the default of partition {:?}", partition.name),
            extra: Vec::new(),
        });
        return;
    };
    if members.len() < 2 {
        return;
    }
    let mut won = false;
    matches.retain_mut(|found| {
        if !is_member(found) {
            return true;
        }
        let wins = !won && f64::from(found.confidence) >= highest;
        if wins {
            won = true;
            found.confidence = share(partition.semantics, &members, highest).unwrap_or(found.confidence);
            found.detail = format!("{}; won partition {:?} of {}", found.detail, partition.name, members.len());
        }
        wins
    });
}

/// The winner's share of all members; `None` where it keeps its own confidence.
#[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
fn share(semantics: Semantics, members: &[f64], highest: f64) -> Option<f32> {
    let Semantics::Softmax(temperature) = semantics else { return None };
    let sum: f64 = members.iter().map(|confidence| ((confidence - highest) / temperature).exp()).sum();
    Some((1.0 / sum) as f32)
}

/// Keeps the surest matches of the embedding signal, and the defaults of partitions, which have no score.
pub(crate) fn cut(top_k: Option<usize>, evaluations: &mut [Evaluation]) {
    let Some(evaluation) = evaluations.iter_mut().find(|e| e.signal == EMBEDDING) else { return };
    let Some(top_k) = top_k.filter(|k| *k > 0 && *k < evaluation.matches.len()) else { return };
    let mut scores: Vec<f64> = evaluation.matches.iter().filter_map(|found| found.value).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let Some(lowest) = scores.get(top_k - 1).copied() else { return };
    let mut room = top_k;
    evaluation.matches.retain(|found| {
        let Some(value) = found.value else { return true };
        let stays = value >= lowest && room > 0;
        room -= usize::from(stays);
        stays
    });
}

/// Computes scores and mappings from what was found.
pub(crate) fn derive(projections: &Projections, found: &[SignalMatch]) -> Derived {
    let mut derived = Derived::default();
    if projections.scores.is_empty() {
        return derived;
    }
    let mut values: HashMap<&str, f64> = HashMap::new();
    let mut confidences: HashMap<&str, f64> = HashMap::new();
    for score in &projections.scores {
        let value = sum(score, &Found(found), &values, &confidences);
        values.insert(&score.name, value);
        derived.scores.push((score.name.clone(), value));
        for mapping in &score.mappings {
            for output in emitted(mapping, value) {
                let confidence = confidence(mapping, output, value);
                confidences.insert(&output.name, confidence);
                derived.outputs.push(as_match(score, output, value, confidence));
            }
        }
    }
    derived
}

fn sum(score: &Score, found: &Found<'_>, scores: &HashMap<&str, f64>, outputs: &HashMap<&str, f64>) -> f64 {
    let named = |values: &HashMap<&str, f64>, name: &String| values.get(name.as_str()).copied().unwrap_or_default();
    let value = |value: &InputValue| match value {
        InputValue::Binary { of, hit, miss } => found.get(&of.signal, &of.name).map_or(*miss, |_| *hit),
        // A match without confidence counts as sure.
        InputValue::Confidence(of) => found.get(&of.signal, &of.name).map_or(0.0, |found| match found.confidence {
            confidence if confidence > 0.0 => confidence.into(),
            _ => 1.0,
        }),
        InputValue::Raw(of) => found.get(&of.signal, &of.name).and_then(|found| found.value).unwrap_or_default(),
        InputValue::Score(name) => named(scores, name),
        InputValue::Output(name) => named(outputs, name),
    };
    let sum: f64 = score.inputs.iter().map(|input| input.weight * value(&input.value)).sum();
    // Finite weights and values may still add up to more than there is.
    if sum.is_finite() { sum } else { 0.0 }
}

fn emitted(mapping: &Mapping, value: f64) -> impl Iterator<Item = &MappingOutput> {
    let most = match mapping.emit {
        Emit::First => 1,
        Emit::All => usize::MAX,
    };
    mapping.outputs.iter().filter(move |output| holds(&output.bounds, value)).take(most)
}

/// The farther from the nearest bound, the surer: 1/2 on the bound itself.
fn confidence(mapping: &Mapping, output: &MappingOutput, value: f64) -> f64 {
    let Predicate { gt, gte, lt, lte } = output.bounds;
    let distances = [gt, gte, lt, lte].into_iter().flatten().map(|bound| (value - bound).abs());
    let distance = distances.reduce(f64::min).unwrap_or(1.0);
    1.0 / (1.0 + (-mapping.slope * distance).exp())
}

#[expect(clippy::cast_possible_truncation, reason = "a confidence between 0 and 1")]
fn as_match(score: &Score, output: &MappingOutput, value: f64, confidence: f64) -> SignalMatch {
    let found = Match {
        rule: output.name.clone(),
        confidence: confidence as f32,
        value: Some(value),
        detail: format!("score {:?} is {value:.4}", score.name),
        extra: Vec::new(),
    };
    SignalMatch { signal: PROJECTION.to_owned(), found }
}

#[cfg(test)]
mod tests;
