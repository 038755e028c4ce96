//! All prompts through the pipeline, one for each core at once.

use super::report::Report;
use super::rows::Row;
use super::score::{Case, Scores};
use super::{Expect, Question, switch};
use crate::assemble::{Embeddings, Generation};
use crate::cli::explain::chat;
use anyhow::Context as _;
use bytes::Bytes;
use std::io::{IsTerminal as _, stderr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::task::JoinSet;
use trackside_config::DEFAULT_PROFILE;
use trackside_routing::{Answer, DecisionRecord, Headers, Incoming, SignalRecord};

/// Time between two drawings of the progress.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a prompt is asked again when a component failed.
const MOST_REPEATS: usize = 3;

/// The signal whose likeliest match can be had without its threshold.
const DOMAIN: &str = "domain";

/// What became of one prompt.
#[derive(Debug, Default)]
struct Answered {
    given: Found,
    likeliest: Option<Found>,
    took: Duration,
    refused: bool,
    degraded: bool,
    repeated: bool,
}

/// A label with how sure the router is of it.
#[derive(Debug, Default)]
struct Found {
    label: Option<String>,
    confidence: f64,
}

/// What became of all prompts, in their order.
#[derive(Debug)]
pub(super) struct Answers(Vec<Answered>);

/// What every task needs.
struct Work {
    ready: Generation,
    expect: Expect,
    signal: String,
    bodies: Vec<Bytes>,
    next: AtomicUsize,
}

/// Evaluates all prompts.
pub(super) async fn all(ready: Generation, rows: &[Row], question: &Question<'_>) -> anyhow::Result<Answers> {
    let bodies = rows.iter().map(|row| chat(&row.text, &ready.snapshot)).collect();
    let signal = question.signal.to_owned();
    let work = Arc::new(Work { ready, expect: question.expect, signal, bodies, next: AtomicUsize::new(0) });
    let mut tasks = JoinSet::new();
    for _ in 0..available_parallelism().map_or(1, NonZeroUsize::get) {
        tasks.spawn(Arc::clone(&work).some());
    }
    let mut answers = Vec::with_capacity(rows.len());
    let mut pause = tokio::time::interval(PAUSE);
    let watched = stderr().is_terminal();
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => answers.extend(done.context("the evaluation broke off")?),
                None => break,
            },
            _ = pause.tick(), if watched => eprint!("\r{} of {}", work.begun(), rows.len()),
        }
    }
    if watched {
        eprintln!("\r{} of {}", work.begun(), rows.len());
    }
    answers.sort_by_key(|(place, _)| *place);
    let mut answers: Vec<Answered> = answers.into_iter().map(|(_, answered)| answered).collect();
    for _ in 0..MOST_REPEATS {
        work.repeat(&mut answers).await;
    }
    Ok(Answers(answers))
}

impl Work {
    /// Answers prompts until none is left.
    async fn some(self: Arc<Self>) -> Vec<(usize, Answered)> {
        let mut answers = Vec::new();
        loop {
            let place = self.next.fetch_add(1, Relaxed);
            let Some(body) = self.bodies.get(place) else { return answers };
            answers.push((place, self.one(body).await));
        }
    }

    /// Asks again, one after the other, where a component failed: on a busy machine it has run out of time, which says
    /// nothing about how good its answers are.
    async fn repeat(&self, answers: &mut [Answered]) {
        for (body, answered) in self.bodies.iter().zip(answers).filter(|(_, answered)| answered.degraded) {
            *answered = Answered { repeated: true, ..self.one(body).await };
        }
    }

    async fn one(&self, body: &Bytes) -> Answered {
        let incoming = Incoming::new("eval".to_owned(), Headers::default(), body.clone());
        let record = match self.ready.snapshot.route(incoming.clone()).await {
            Answer::Forward(forward) => forward.record,
            Answer::Respond(reply) => match reply.record.filter(|_| reply.status < 400) {
                Some(record) => record,
                None => return Answered { refused: true, ..Answered::default() },
            },
        };
        let mut answered = Answered {
            given: self.given(&record),
            took: Duration::from_secs_f64(record.routing_latency_ms / 1e3),
            degraded: !record.degraded.is_empty(),
            ..Answered::default()
        };
        if self.expect == Expect::Signal && self.signal == DOMAIN {
            let judged = self.ready.domains.judge(record.profile.as_deref().unwrap_or(DEFAULT_PROFILE), incoming).await;
            answered.degraded |= judged.is_err();
            answered.likeliest = Some(surest(&judged.unwrap_or_default(), DOMAIN));
        }
        answered
    }

    fn given(&self, record: &DecisionRecord) -> Found {
        let sure = |label| Found { label, confidence: record.confidence.into() };
        match self.expect {
            Expect::Signal => surest(&record.signals, &self.signal),
            Expect::Decision => sure(record.decision.clone()),
            Expect::Model => sure(record.selected_model.clone()),
            Expect::Reasoning => sure(Some(switch(record.use_reasoning).to_owned())),
        }
    }

    fn begun(&self) -> usize {
        self.next.load(Relaxed).min(self.bodies.len())
    }
}

/// The first of the surest matches of a signal.
fn surest(signals: &[SignalRecord], kind: &str) -> Found {
    let matches = signals.iter().rev().filter(|found| found.signal == kind);
    let surest = matches.max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    surest.map_or_else(Found::default, |found| Found {
        label: Some(found.rule.clone()),
        confidence: found.confidence.into(),
    })
}

impl Answers {
    pub(super) fn report<'a>(
        self,
        question: &Question<'_>,
        rows: &[Row],
        files: &'a [PathBuf],
        embeddings: &'a Embeddings,
    ) -> Report<'a> {
        let mut times: Vec<Duration> = self.0.iter().filter(|a| !a.refused).map(|a| a.took).collect();
        times.sort_unstable();
        let (refused, degraded) = (self.count(|a| a.refused), self.count(|a| a.degraded));
        let repeated = self.count(|a| a.repeated);
        let judged = self.0.iter().any(|answered| answered.likeliest.is_some());
        let case = |row: &Row, found: Found| Case {
            file: row.file,
            expected: row.expected.clone(),
            found: found.label,
            confidence: found.confidence,
        };
        let pairs = rows
            .iter()
            .zip(self.0)
            .map(|(row, answered)| (case(row, answered.given), case(row, answered.likeliest.unwrap_or_default())));
        let (given, likeliest): (Vec<Case>, Vec<Case>) = pairs.unzip();
        Report {
            what: question.words(),
            files,
            given: Scores::of(&given),
            likeliest: judged.then(|| Scores::of(&likeliest)),
            times,
            refused,
            degraded,
            repeated,
            embeddings,
        }
    }

    fn count(&self, holds: impl Fn(&Answered) -> bool) -> usize {
        self.0.iter().filter(|answered| holds(answered)).count()
    }
}
