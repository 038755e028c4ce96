//! From scores to the one preference that holds, if any does. Needs no host.

use trackside_sdk::embeddings::BankScore;
use trackside_sdk::{Match, matched};

/// One preference, ready to choose.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: String,
    /// Least score; 0 for any.
    pub(crate) threshold: f32,
}

/// The preferences among which one is chosen.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) routes: Vec<Route>,
    /// How far the best has to be ahead of the second; 0 for not at all.
    pub(crate) margin: f32,
}

impl Choice {
    /// The best preference, unless it misses its threshold or is too close to the second. Of equal ones the first counts.
    /// Scores are in the order of the routes.
    pub(crate) fn of(&self, scores: &[BankScore]) -> Option<Match> {
        let mut best: Option<(&Route, f32)> = None;
        let mut second: Option<(&Route, f32)> = None;
        for (route, score) in self.routes.iter().zip(scores.iter().map(|found| found.score)) {
            let place = if best.is_none_or(|(_, ahead)| score > ahead) {
                second = best;
                &mut best
            } else if second.is_none_or(|(_, ahead)| score > ahead) {
                &mut second
            } else {
                continue;
            };
            *place = Some((route, score));
        }
        let (route, score) = best?;
        let misses = route.threshold > 0.0 && score < route.threshold;
        let ahead = second.map_or(f32::INFINITY, |(_, second)| score - second);
        if misses || self.margin > 0.0 && ahead < self.margin {
            return None;
        }
        let then = second.map(|(route, score)| format!(", then {} {score:.3}", route.name)).unwrap_or_default();
        let detail = format!("{} {score:.3}{then}", route.name);
        Some(Match { value: Some(f64::from(score)), ..matched(&route.name, score, detail) })
    }
}

#[cfg(test)]
mod tests;
