//! Runs a component's own cases.

use super::case::Case;
use crate::registry::Entry;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::{CallError, ConfigureError, Configured, Embed};

/// Most cases of one component.
const MOST_CASES: usize = 1000;
/// Most that are told of those that fail.
const MOST_TOLD: usize = 5;
/// Most bytes that are told of an answer.
const MOST_SHOWN: usize = 500;
/// Longest time for all of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a component's own cases do not speak for it.
#[derive(Debug)]
pub(super) enum Fault {
    /// They cannot be read, or are too many.
    Unreadable(String),
    /// One comes out otherwise than it says.
    Failed { case: String, why: String },
    /// So many more.
    More(usize),
    /// They take too long.
    Slow { ran: usize, of: usize },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreadable(why) => write!(f, "its cases cannot be read: {why}"),
            Fault::Failed { case, why } => write!(f, "its case {case:?} fails: {why}"),
            Fault::More(count) => write!(f, "{count} more of its cases fail"),
            Fault::Slow { ran, of } => {
                write!(f, "its cases take longer than {} s: {ran} of {of} were run", PATIENCE.as_secs())
            }
        }
    }
}

/// Runs all of them, each with its own settings, and tells what is wrong.
pub(super) async fn run(entry: &Entry, cases: &[u8], embed: &Arc<dyn Embed>) -> Vec<Fault> {
    let cases: Vec<Case> = match serde_json::from_slice(cases) {
        Ok(cases) => cases,
        Err(error) => return vec![Fault::Unreadable(error.to_string())],
    };
    if cases.len() > MOST_CASES {
        return vec![Fault::Unreadable(format!("there are {}; at most {MOST_CASES} are run", cases.len()))];
    }
    let started = Instant::now();
    let mut bench = Bench { entry, embed, last: None };
    let mut faults = Vec::new();
    for (ran, case) in cases.iter().enumerate() {
        if started.elapsed() > PATIENCE {
            faults.push(Fault::Slow { ran, of: cases.len() });
            break;
        }
        if let Err(why) = bench.run(case).await {
            faults.push(Fault::Failed { case: case.name.clone(), why });
        }
    }
    if faults.len() > MOST_TOLD {
        let more = faults.len() - MOST_TOLD;
        faults.truncate(MOST_TOLD);
        faults.push(Fault::More(more));
    }
    faults
}

/// An answer may be as long as the limits of the component let it.
fn cut(mut came: String) -> String {
    if came.len() > MOST_SHOWN {
        came.truncate(came.floor_char_boundary(MOST_SHOWN));
        came.push('…');
    }
    came
}

/// A component at its cases.
struct Bench<'a> {
    entry: &'a Entry,
    embed: &'a Arc<dyn Embed>,
    /// With the settings of the last case: cases that share settings often stand together.
    last: Option<(Value, Configured)>,
}

impl Bench<'_> {
    async fn run(&mut self, case: &Case) -> Result<(), String> {
        let role = self.entry.component.description().role;
        let question = case.question(role).ok_or_else(|| format!("a {} is not tried yet", role.as_str()))?;
        let trial = case.trial(role).map_err(|error| format!("its request is none: {error}"))?;
        let configured = match self.configured(case.settings(role)).await {
            Ok(configured) => configured,
            Err(ConfigureError::Refused { kind, .. }) if case.expect.is_failure(&kind) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        match trial.ask(&configured, &question).await {
            Ok(answer) => case.expect.check(&question, &answer).map_err(|came| format!("out came {}", cut(came))),
            Err(CallError::Failure { kind, .. }) if case.expect.is_failure(&kind) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn configured(&mut self, settings: Value) -> Result<Configured, ConfigureError> {
        if let Some((_, configured)) = self.last.as_ref().filter(|(last, _)| *last == settings) {
            return Ok(configured.clone());
        }
        let configured = self.entry.component.configure(self.entry.setup(&settings, self.embed)).await?;
        self.last = Some((settings, configured.clone()));
        Ok(configured)
    }
}
