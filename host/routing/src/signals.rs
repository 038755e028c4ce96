//! Signals: one call per component that some decision can reach, all of them at once.

use crate::call::{Closed, Degraded, Stage, Trail};
use crate::profile::Profile;
use crate::projections;
use crate::question::{Answer, Question};
use crate::rules::{self, Found};
use crate::view::View;
use futures_util::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trackside_components::types::{Match, RequestHead, SignalMatch};
use trackside_components::{Configured, Current};
use trackside_config::Rule;

/// One signal component with the rules that it was configured with.
#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) stage: Stage,
    /// The names that its matches may have, each with what has to hold for them to count.
    pub(crate) outcomes: HashMap<String, Option<Rule>>,
}

/// What one signal component said, and how long it took.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) signal: String,
    pub(crate) matches: Vec<Match>,
    pub(crate) took: Duration,
}

/// Evaluates every signal of a profile. They run in one task: they wait for each other only while one of them computes.
/// Of what they find, partitions leave one member each, then conditions of rules are held against it.
pub(crate) async fn evaluate(
    profile: &Profile,
    view: &Arc<View>,
    head: &RequestHead,
    deadline: Instant,
    trail: &mut Trail,
) -> Result<Vec<Evaluation>, Closed> {
    let signals = &profile.signals;
    let beside = || trail.beside();
    let calls = signals.iter().map(|(kind, signal)| signal.evaluate(kind, view, head, deadline, beside()));
    let answers = join_all(calls).await;
    let mut evaluations = Vec::with_capacity(answers.len());
    for answer in answers {
        let (evaluation, calls) = answer;
        trail.append(calls);
        evaluations.push(evaluation?);
    }
    projections::settle(&profile.projections.partitions, &mut evaluations);
    drop_unmet(signals, &mut evaluations);
    projections::cut(profile.projections.embedding_top_k, &mut evaluations);
    Ok(evaluations)
}

/// Drops matches whose condition does not hold. Conditions see all matches, the dropped ones included.
fn drop_unmet(signals: &BTreeMap<String, Signal>, evaluations: &mut [Evaluation]) {
    let condition = |kind: &str, found: &Match| signals.get(kind)?.outcomes.get(&found.rule)?.as_ref();
    if evaluations.iter().all(|e| e.matches.iter().all(|found| condition(&e.signal, found).is_none())) {
        return;
    }
    let all = matches(evaluations);
    for Evaluation { signal, matches, .. } in evaluations {
        let holds = |rule: &Rule| rules::evaluate(rule, &Found(&all)).is_some();
        matches.retain(|found| condition(signal, found).is_none_or(holds));
    }
}

/// All matches, in the order of the signal types.
pub(crate) fn matches(evaluations: &[Evaluation]) -> Vec<SignalMatch> {
    let of = |e: &Evaluation| {
        e.matches.iter().map(|found| SignalMatch { signal: e.signal.clone(), found: found.clone() }).collect::<Vec<_>>()
    };
    evaluations.iter().flat_map(of).collect()
}

impl Signal {
    pub(crate) async fn evaluate(
        &self,
        kind: &str,
        view: &Arc<View>,
        head: &RequestHead,
        deadline: Instant,
        mut trail: Trail,
    ) -> (Result<Evaluation, Closed>, Trail) {
        let started = Instant::now();
        let current: Arc<dyn Current> = view.clone();
        let current = &current;
        let call = |guest: Configured| async move { guest.evaluate(current, head, deadline).await };
        let answer = self.stage.call(view, &mut trail, call).await;
        if let (Ok(Some(found)), Some(shadowed)) = (&answer, self.stage.shadowed(view, &trail)) {
            trail.behind.push(shadowed.with(view, head, Question::Signals, Answer::Signals(found.clone())));
        }
        let evaluation = answer.map(|matches| {
            let found = matches.unwrap_or_default();
            let (mut matches, strange): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|m| self.outcomes.contains_key(&m.rule));
            matches.iter_mut().for_each(|m| m.value = m.value.filter(|value| value.is_finite()));
            let undeclared = |_| Degraded { component: kind.to_owned(), reason: "undeclared_rule" };
            trail.degraded.extend(strange.into_iter().map(undeclared));
            Evaluation { signal: kind.to_owned(), matches, took: started.elapsed() }
        });
        (evaluation, trail)
    }
}
