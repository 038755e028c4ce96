//! The judgement itself, which needs no host.

use crate::examples::{Method, SHARPNESS};
use crate::fitted::Fitted;
use crate::labels::Labels;
use crate::model::known::TEXTS;
use crate::model::stems::{Stem, stems};
use crate::model::{self, Evidence, Sight};
use crate::posterior;
use crate::settings::{Module, Rule};
use crate::words::OwnWords;
use trackside_sdk::Match;

/// Tells domains by what is seen of a text.
#[derive(Debug)]
pub(crate) struct Classifier {
    pub(crate) labels: Labels,
    pub(crate) way: Way,
    fitted: Fitted,
    own_words: OwnWords,
    threshold: f64,
}

/// How labels are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the fitted classifier, which knows all of them.
    Fitted,
    /// By what they are about.
    Described,
    /// By examples that the configuration gives.
    Examples(Method),
}

/// What the host tells about a text.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing.
    Words,
    /// How similar it is to [`Labels::bank`].
    Descriptions(Vec<f32>),
    /// The same, and the nearest examples: labels of the fitted classifier with similarities.
    Neighbours(Vec<f32>, Vec<(usize, f32)>),
    /// What the head of the configuration's examples says.
    Examples(Vec<f32>),
}

impl Classifier {
    pub(crate) fn new(rules: &[Rule], module: &Module, fitted: Fitted) -> Self {
        let labels = Labels::new(rules, &fitted.labels);
        let way = match Method::of(&labels) {
            Some(method) => Way::Examples(method),
            None if labels.iter().all(|label| label.known.is_some()) => Way::Fitted,
            None => Way::Described,
        };
        let own_words = OwnWords::new(&labels);
        Self { labels, way, fitted, own_words, threshold: module.threshold() }
    }

    /// The domains of a text.
    pub(crate) fn classify(&self, text: &str, seen: &Seen) -> Vec<Match> {
        let stems = stems(text);
        let nothing_to_go_by = || matches!(seen, Seen::Words) && self.fitted.lexicon.terms(&stems).is_empty();
        let (log_odds, reasons) = match (self.way, seen) {
            (Way::Fitted, _) if !nothing_to_go_by() => return self.by_fit(&stems, seen),
            (Way::Examples(method), Seen::Examples(said)) => {
                let texts = self.labels.iter().map(|label| label.examples.len()).sum::<usize>();
                (method.log_odds(&self.labels, said), format!("by {texts} examples"))
            }
            (Way::Described, Seen::Descriptions(similarities)) => {
                let means = similarities.chunks(TEXTS).map(|pair| pair.iter().sum::<f32>() / pair.len() as f32);
                (means.map(|mean| f64::from(mean) * SHARPNESS).collect(), "by descriptions".to_owned())
            }
            _ => (self.own_words.scores(text), "by words alone".to_owned()),
        };
        posterior::matches(&log_odds, &self.labels, self.threshold, |_| reasons.clone())
    }

    fn by_fit(&self, stems: &[(Stem, u32)], seen: &Seen) -> Vec<Match> {
        let words = self.fitted.lexicon.scores(stems);
        let length = stems.iter().map(|(_, count)| *count as usize).sum();
        let (sight, similarities, neighbours) = match seen {
            Seen::Neighbours(similarities, neighbours) => (Sight::Whole, &similarities[..], &neighbours[..]),
            Seen::Descriptions(similarities) => (Sight::NoNeighbours, &similarities[..], &[][..]),
            Seen::Words | Seen::Examples(_) => (Sight::WordsAlone, &[][..], &[][..]),
        };
        let votes = model::votes(neighbours, self.fitted.labels.len());
        let mut descriptions = similarities.chunks(TEXTS);
        let evidence: Vec<Evidence> = self
            .labels
            .iter()
            .map(|label| {
                let of = |scores: &[f32]| label.known.and_then(|known| scores.get(known)).copied().unwrap_or_default();
                [of(&votes), model::description(descriptions.next().unwrap_or_default(), length), of(&words)]
            })
            .collect();
        let log_odds: Vec<f64> =
            evidence.iter().map(|evidence| self.fitted.weights.log_odds(sight, evidence)).collect();
        posterior::matches(&log_odds, &self.labels, self.threshold, |label| {
            let known = self.labels.iter().nth(label).and_then(|label| label.known);
            let near = neighbours.iter().filter(|(label, _)| Some(*label) == known).count();
            let [_, description, words] = evidence.get(label).copied().unwrap_or_default();
            match sight {
                Sight::Whole => {
                    format!("{near} of {} neighbours, description {description:.2}, words {words:.2}", neighbours.len())
                }
                Sight::NoNeighbours => format!("description {description:.2}, words {words:.2}"),
                Sight::WordsAlone => format!("by words alone, {words:.2}"),
            }
        })
    }
}
