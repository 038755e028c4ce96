//! The rule tree of a decision, against the matches of one request.

use trackside_components::types::{Match, SignalMatch};
use trackside_config::{Leaf, Predicate, Rule};

/// The matches of one request, asked by signal type and name.
pub(crate) struct Found<'a>(pub(crate) &'a [SignalMatch]);

/// Evaluates a rule tree: its confidence when it holds.
///
/// A leaf has its signal's confidence (1 with a predicate), AND the mean of its children (0 when empty), OR the
/// highest of the children that hold, NOT has 1, and a root without rules has 0.
pub(crate) fn evaluate(rule: &Rule, found: &Found<'_>) -> Option<f32> {
    match rule {
        Rule::Always => Some(0.0),
        Rule::Leaf(leaf) => found.leaf(leaf),
        Rule::And(children) => {
            let confidences: Option<Vec<f32>> = children.iter().map(|child| evaluate(child, found)).collect();
            confidences.map(|all| mean(&all))
        }
        Rule::Or(children) => children.iter().filter_map(|child| evaluate(child, found)).reduce(f32::max),
        Rule::Not(child) => evaluate(child, found).is_none().then_some(1.0),
    }
}

/// Every leaf of a tree, depth first.
pub(crate) fn leaves(rule: &Rule) -> Vec<&Leaf> {
    match rule {
        Rule::Always => Vec::new(),
        Rule::Leaf(leaf) => vec![leaf],
        Rule::And(children) | Rule::Or(children) => children.iter().flat_map(leaves).collect(),
        Rule::Not(child) => leaves(child),
    }
}

impl Found<'_> {
    /// The match that goes by this name.
    pub(crate) fn get(&self, signal: &str, name: &str) -> Option<&Match> {
        self.0.iter().find(|m| m.signal == signal && names(m, name)).map(|m| &m.found)
    }

    fn leaf(&self, leaf: &Leaf) -> Option<f32> {
        let found = self.get(&leaf.signal, &leaf.name)?;
        match &leaf.predicate {
            None => Some(found.confidence),
            Some(predicate) => {
                let value = found.value.unwrap_or(f64::from(found.confidence));
                holds(predicate, value).then_some(1.0)
            }
        }
    }
}

/// Whether a match goes by this name: its rule's, or one that the component lists under `also`.
fn names(m: &SignalMatch, name: &str) -> bool {
    m.found.rule == name || m.found.extra.iter().any(|(key, value)| key == "also" && value == name)
}

/// Whether a value is within bounds.
pub(crate) fn holds(predicate: &Predicate, value: f64) -> bool {
    predicate.gt.is_none_or(|bound| value > bound)
        && predicate.gte.is_none_or(|bound| value >= bound)
        && predicate.lt.is_none_or(|bound| value < bound)
        && predicate.lte.is_none_or(|bound| value <= bound)
}

#[allow(clippy::cast_precision_loss, reason = "a rule has far fewer than 2^24 children")]
fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}

#[cfg(test)]
mod tests;
