//! From scores to the rules that hold. Needs no host.

use std::cmp::Ordering;

use trackside_sdk::embeddings::BankScore;
use trackside_sdk::{Match, matched};

/// What a rule asks of its score.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) threshold: f32,
}

/// Which of the rules that could hold do.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Least score of a rule that misses its threshold; `None` when none may hold.
    pub(crate) soft_threshold: Option<f32>,
    /// At most so many rules hold.
    pub(crate) most: usize,
}

impl Choice {
    /// The rules that hold, the highest score first. Scores are in the order of the rules.
    pub(crate) fn of(&self, rules: &[Wanted], scores: &[BankScore]) -> Vec<Match> {
        let scored = || rules.iter().zip(scores);
        let mut holding: Vec<_> = scored().filter(|(rule, found)| found.score >= rule.threshold).collect();
        if let (true, Some(least)) = (holding.is_empty(), self.soft_threshold) {
            holding = scored().filter(|(_, found)| found.score >= least).collect();
        }
        holding.sort_by(|(a, first), (b, second)| {
            second.score.partial_cmp(&first.score).unwrap_or(Ordering::Equal).then_with(|| a.name.cmp(&b.name))
        });
        holding.truncate(self.most);
        holding.into_iter().map(|(rule, found)| describe(rule, found)).collect()
    }
}

fn describe(rule: &Wanted, found: &BankScore) -> Match {
    let BankScore { score, best, support, prototypes } = found;
    let reached = if *score >= rule.threshold { "reaches" } else { "is near" };
    let wanted = rule.threshold;
    let detail = format!(
        "score {score:.3} {reached} {wanted:.3}: best {best:.3} and support {support:.3} of {prototypes} prototypes"
    );
    Match { value: Some(f64::from(*score)), ..matched(&rule.name, *score, detail) }
}

#[cfg(test)]
mod tests;
