//! The component that serves the algorithm `static`, which is also what a decision without an algorithm gets: the
//! candidate with the highest configured score for this decision.

use trackside_sdk::{Candidate, Choice, Component, Failure, NoSettings, RequestHead, Selection, Selector, SignalMatch};

/// The selector by configured score.
#[derive(Debug)]
pub struct Static;

impl Component for Static {
    type Settings = NoSettings;
    const SERVES: &'static str = "static";

    fn configure(NoSettings {}: NoSettings) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Selector for Static {
    fn select(
        &self,
        _head: &RequestHead,
        _decision: &str,
        _matches: &[SignalMatch],
        candidates: &[Candidate],
    ) -> Result<Selection, Failure> {
        Ok(Selection { choices: choose(candidates), confidence: 1.0, extra: Vec::new() })
    }
}

trackside_sdk::export!(selector: Static);

/// The score of a model that has none.
const UNSCORED: f64 = 1.0;

fn choose(candidates: &[Candidate]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = (0..).zip(candidates).map(|(index, candidate)| choice(index, candidate)).collect();
    let best = choices.iter().map(|choice| choice.score).fold(f64::NEG_INFINITY, f64::max);
    // A best score of exactly 1 means that nobody has said anything: the order of the configuration then stands.
    if best != UNSCORED {
        choices.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    choices
}

fn choice(index: u32, candidate: &Candidate) -> Choice {
    let stated = candidate.extra.iter().find(|(key, _)| key == "model_score");
    let score = stated.and_then(|(_, value)| value.parse().ok()).filter(|score: &f64| score.is_finite());
    let reason = match score {
        Some(score) => format!("model score {score}, position {}", index + 1),
        None => format!("no model score, position {}", index + 1),
    };
    Choice { index, score: score.unwrap_or(UNSCORED), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(scores: &[Option<&str>]) -> Vec<u32> {
        let candidates: Vec<Candidate> = scores.iter().map(|score| candidate(*score)).collect();
        choose(&candidates).iter().map(|choice| choice.index).collect()
    }

    fn candidate(score: Option<&str>) -> Candidate {
        Candidate {
            model: "m".into(),
            adapter: None,
            weight: 1.0,
            quality: None,
            prompt_price: None,
            completion_price: None,
            ttft_ms: None,
            tpot_ms: None,
            in_flight: 0,
            context_window: None,
            description: String::new(),
            capabilities: Vec::new(),
            extra: score.map(|score| ("model_score".into(), score.into())).into_iter().collect(),
        }
    }

    #[test]
    fn the_highest_score_wins_unless_it_is_exactly_one() {
        let table: &[(&[Option<&str>], &[u32])] = &[
            (&[None, None, None], &[0, 1, 2]),
            (&[Some("0.2"), Some("0.9"), Some("0.5")], &[1, 2, 0]),
            (&[Some("0.5"), None], &[0, 1]),
            (&[Some("0.5"), Some("1.0")], &[0, 1]),
            (&[None, Some("1.5")], &[1, 0]),
            (&[Some("0.7"), Some("0.7")], &[0, 1]),
            (&[Some("NaN"), Some("2"), Some("x")], &[1, 0, 2]),
            (&[Some("-1"), Some("-0.5")], &[1, 0]),
        ];
        for (scores, expected) in table {
            assert_eq!(order(scores), *expected, "{scores:?}");
        }
    }

    #[test]
    fn the_reason_tells_a_stated_score_from_none() {
        let choices = choose(&[candidate(Some("0.9")), candidate(None)]);
        let reasons: Vec<&str> = choices.iter().map(|choice| choice.reason.as_str()).collect();
        assert_eq!(reasons, ["model score 0.9, position 1", "no model score, position 2"]);
        assert_eq!(choices[1].score, 1.0);
    }
}
