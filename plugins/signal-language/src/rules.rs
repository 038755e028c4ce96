//! From the language of a text to the rules that hold. Needs no host.

use trackside_sdk::{Failure, Match, failure, matched};

use crate::detect::{Guess, detect};
use crate::model::MODEL;
use crate::settings::Rule;

/// What counts as no guess where no rule names a threshold.
const LEAST_CONFIDENCE: f32 = 0.3;
/// What a text is taken for when nothing can be told, as in v0.3.
const OTHERWISE: Guess = Guess { code: "en", confidence: 0.5 };

/// All language rules of a configuration.
#[derive(Debug)]
pub struct Languages {
    rules: Vec<Rule>,
    least: f32,
}

impl Languages {
    /// # Errors
    /// A name that is no language code.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, Failure> {
        for Rule { name, .. } in &rules {
            if name.len() != 2 || !name.bytes().all(|byte| byte.is_ascii_lowercase()) {
                let message =
                    format!("rule `{name}`: expected an ISO 639-1 code of two lower-case letters, such as `en`");
                return Err(failure("invalid-settings", message));
            }
        }
        let thresholds = rules.iter().map(|rule| rule.threshold).filter(|threshold| *threshold > 0.0);
        let least = thresholds.reduce(f32::min).unwrap_or(LEAST_CONFIDENCE);
        Ok(Self { rules, least })
    }

    /// The languages among the rules that no text is ever told to be in.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.rules.iter().map(|rule| rule.name.as_str());
        names.filter(|name| !MODEL.codes().any(|code| is(name, code)))
    }

    /// The rules that hold for a text, in the order of the configuration.
    pub(crate) fn judge(&self, text: &str) -> Vec<Match> {
        let guess = detect(&MODEL, text).filter(|guess| guess.confidence >= self.least).unwrap_or(OTHERWISE);
        let holding = self.rules.iter().filter(|rule| is(&rule.name, guess.code) && guess.confidence >= rule.threshold);
        let detail = format!("{} at {:.2}", guess.code, guess.confidence);
        holding.map(|rule| matched(&rule.name, 1.0, detail.as_str())).collect()
    }
}

/// Whether a rule of this name means a language. Norwegian has a code of its own and one for each way of writing it; the
/// model calls Bokmål `no`.
fn is(name: &str, code: &str) -> bool {
    name == code || matches!((name, code), ("nb", "no") | ("no", "nn"))
}
