//! The way one request takes through a snapshot.

use crate::call::{Closed, Degraded, Trail};
use crate::exchange::{Answer, Forward, Incoming};
use crate::names::Requested;
use crate::ranking::Matched;
use crate::record::{DecisionRecord, RankedRecord, ReasonCode, SignalRecord};
use crate::rules::{self, Found};
use crate::snapshot::{Decision, Snapshot, Target};
use crate::view::View;
use crate::{observe, plugins, ranking, reply, selection, signals};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::Current as _;
use trackside_components::types::{Reply, RequestHead, Route, SignalMatch};
use trackside_protocol::{ChatRequest, EditError, Edits};

/// One request under way.
struct Passage<'a> {
    snapshot: &'a Snapshot,
    view: Arc<View>,
    head: RequestHead,
    record: DecisionRecord,
    trail: Trail,
    started: Instant,
    deadline: Instant,
}

/// What comes of a request that is not refused.
enum Outcome {
    Forward { body: Option<Bytes>, headers: BTreeMap<String, Option<String>> },
    Reply(Reply),
}

/// Why a request is refused.
enum Refusal {
    UnknownModel,
    NoModel,
    ComponentFailed,
    /// The client's body repeats a key too often to be edited.
    Repetitive,
    /// The edits do not make a valid body.
    Unrenderable,
}

impl From<Closed> for Refusal {
    fn from(Closed: Closed) -> Refusal {
        Refusal::ComponentFailed
    }
}

impl Snapshot {
    /// Decides about one request. Never fails: whatever goes wrong is an [`Answer`] too.
    pub async fn route(&self, incoming: Incoming) -> Answer {
        let started = Instant::now();
        let Incoming { id, headers, body, metadata, profile: _, deadline } = incoming;
        match ChatRequest::parse(body) {
            Ok(request) => {
                let record = DecisionRecord::begin(id.clone(), self.generation, request.model());
                let view = Arc::new(View::new(id, request, headers, metadata));
                let head = view.head();
                Passage { snapshot: self, view, head, record, trail: Trail::default(), started, deadline }.run().await
            }
            Err(error) => {
                self.metrics.refused("", "parse_error");
                Answer::Respond(reply::bad_request(&error))
            }
        }
    }
}

impl<'a> Passage<'a> {
    async fn run(mut self) -> Answer {
        let snapshot = self.snapshot;
        let outcome = match snapshot.names.resolve(self.view.request.model()) {
            Requested::Auto => self.route().await,
            Requested::Concrete { upstream } => self.pass(upstream),
            Requested::Unknown => Err(Refusal::UnknownModel),
        };
        self.answer(outcome)
    }

    /// The client chose: only the name that the upstream knows is written.
    fn pass(&mut self, upstream: &str) -> Result<Outcome, Refusal> {
        let requested = self.view.request.model().to_owned();
        let mut edits = self.view.request.edit();
        if upstream != requested {
            edits.set_model(upstream);
        }
        self.record.reason_code = ReasonCode::ModelSpecified;
        self.record.selected_model = Some(requested);
        Ok(Outcome::Forward { body: self.render(&edits)?, headers: BTreeMap::new() })
    }

    async fn route(&mut self) -> Result<Outcome, Refusal> {
        let view = self.view.clone();
        let matches = view.found(self.find_signals().await?);
        match self.take_decision(matches).await? {
            Some(decision) => self.follow(decision, matches).await,
            None => self.fall_back(),
        }
    }

    async fn find_signals(&mut self) -> Result<Vec<SignalMatch>, Refusal> {
        let deadline = self.deadline;
        let found =
            signals::evaluate(&self.snapshot.signals, &self.view, &self.head, deadline, &mut self.trail).await?;
        for evaluation in &found {
            observe::signal(&self.snapshot.metrics, evaluation);
            self.record.evaluated.push(evaluation.signal.clone());
        }
        let matches = signals::matches(&found);
        self.record.signals = matches.iter().map(SignalRecord::from).collect();
        Ok(matches)
    }

    async fn take_decision(&mut self, matches: &[SignalMatch]) -> Result<Option<&'a Decision>, Refusal> {
        let (started, deadline, found) = (Instant::now(), self.deadline, Found(matches));
        let holding = |decision: &'a Decision| {
            let confidence = rules::evaluate(&decision.rules, &found)?;
            Some(Matched { decision, confidence, reason: String::new() })
        };
        let matched: Vec<Matched<'a>> = self.snapshot.decisions.iter().filter_map(holding).collect();
        let stage = self.snapshot.ranking.as_ref();
        let ranked = ranking::rank(stage, matched, &self.view, &self.head, deadline, &mut self.trail).await?;
        let taken = ranked.first().map(|first| (first.decision, first.confidence));
        self.record.ranked = ranked.into_iter().map(RankedRecord::from).collect();
        if let Some((decision, confidence)) = taken {
            self.record.reason_code = ReasonCode::AutoRouting;
            self.record.decision = Some(decision.name.clone());
            self.record.confidence = confidence;
        }
        self.record.category = category(matches, taken.map(|(decision, _)| decision));
        let metrics = &self.snapshot.metrics;
        metrics.decision(taken.map(|(decision, confidence)| (decision.name.as_str(), confidence)), started.elapsed());
        Ok(taken.map(|(decision, _)| decision))
    }

    /// No decision matched: the default model, and nothing else is changed.
    fn fall_back(&mut self) -> Result<Outcome, Refusal> {
        self.record.reason_code = ReasonCode::NoMatch;
        let model = self.snapshot.default_model.as_ref().ok_or(Refusal::NoModel)?;
        self.record.selected_model = Some(model.clone());
        self.record.selection_reason = "no decision matched: the default model".to_owned();
        let mut edits = self.view.request.edit();
        edits.set_model(self.snapshot.names.upstream(model));
        Ok(Outcome::Forward { body: self.render(&edits)?, headers: BTreeMap::new() })
    }

    async fn follow(&mut self, decision: &'a Decision, matches: &[SignalMatch]) -> Result<Outcome, Refusal> {
        let target = self.choose(decision, matches).await?;
        let route = Route {
            decision: decision.name.clone(),
            model: target.as_ref().map(|t| t.model.clone()).unwrap_or_default(),
            adapter: target.as_ref().and_then(|t| t.adapter.clone()),
            use_reasoning: target.as_ref().is_some_and(|t| t.use_reasoning),
            reasoning_effort: target.as_ref().and_then(|t| t.reasoning_effort.clone()),
            extra: Vec::new(),
        };
        let deadline = self.deadline;
        let stages = self.snapshot.reasoning.iter().chain(&decision.plugins);
        let edited = plugins::run(stages, &self.view, &self.head, &route, deadline, &mut self.trail).await?;
        for run in &edited.runs {
            self.snapshot.metrics.plugin(&run.kind, &decision.name, run.status, run.took);
        }
        if let Some(answer) = edited.reply {
            self.record.reason_code = ReasonCode::PluginReply;
            return Ok(Outcome::Reply(answer));
        }
        let target = target.ok_or(Refusal::NoModel)?;
        let mut body = edited.body;
        body.set_model(self.snapshot.names.upstream(target.name()));
        self.record.use_reasoning = target.use_reasoning;
        let effort = target.reasoning_effort.as_deref().unwrap_or(&self.snapshot.default_effort);
        let category = self.record.category.as_deref().unwrap_or("none");
        self.snapshot.metrics.reasoning(category, &target.model, target.use_reasoning.then_some(effort));
        self.record.selected_model = Some(target.name().to_owned());
        Ok(Outcome::Forward { body: self.render(&body)?, headers: edited.headers })
    }

    /// The model or adapter that the decision sends the request to; the default model when it names none.
    async fn choose(&mut self, decision: &'a Decision, matches: &[SignalMatch]) -> Result<Option<Target>, Refusal> {
        let (started, deadline) = (Instant::now(), self.deadline);
        let chosen = selection::select(decision, &self.view, &self.head, matches, deadline, &mut self.trail).await?;
        let Some(chosen) = chosen else {
            self.record.selection_reason = "the decision names no model: the default model".to_owned();
            return Ok(self.snapshot.default_model.as_deref().map(|name| self.snapshot.target(name)));
        };
        let metrics = &self.snapshot.metrics;
        metrics.selection(chosen.algorithm, &chosen.target.model, &decision.name, started.elapsed());
        chosen.algorithm.clone_into(&mut self.record.algorithm);
        self.record.selection_reason = chosen.reason;
        Ok(Some(chosen.target.clone()))
    }

    /// The edited body, or nothing when the client's own bytes go on.
    fn render(&self, edits: &Edits) -> Result<Option<Bytes>, Refusal> {
        let request = &self.view.request;
        let body = edits.render(request).map_err(|error| match error {
            EditError::Repeated { .. } => Refusal::Repetitive,
            error => {
                tracing::error!(event = "rewrite_failed", request_id = self.record.request_id, %error);
                Refusal::Unrenderable
            }
        })?;
        Ok((body.as_ptr() != request.body().as_ptr()).then_some(body))
    }

    fn answer(self, outcome: Result<Outcome, Refusal>) -> Answer {
        let Passage { snapshot, mut record, mut trail, started, view, .. } = self;
        let without = view.embeddings().failures().into_iter();
        trail.degraded.extend(without.map(|failed| Degraded { component: failed.component, reason: failed.reason }));
        observe::calls(&snapshot.metrics, &trail);
        record.calls = trail.calls;
        record.degraded = trail.degraded.iter().map(|d| format!("{}: {}", d.component, d.reason)).collect();
        let took = started.elapsed();
        record.routing_latency_ms = took.as_secs_f64() * 1e3;
        if let Err(refusal) = &outcome {
            record.reason_code = refusal.reason_code();
            snapshot.metrics.refused(&record.original_model, refusal.what());
        }
        observe::decided(&snapshot.metrics, &record, took);
        match outcome {
            Ok(Outcome::Forward { body, headers }) => {
                Answer::Forward(Forward::new(body, headers, snapshot.clear_route_cache, record))
            }
            Ok(Outcome::Reply(answer)) => Answer::Respond(reply::from_plugin(answer, record)),
            Err(refusal) => Answer::Respond(refusal.reply(record)),
        }
    }
}

impl Refusal {
    /// A word for metrics, for the client and for the gateway's access log.
    fn what(&self) -> &'static str {
        match self {
            Refusal::UnknownModel => "model_not_found",
            Refusal::NoModel => "no_model_selected",
            Refusal::ComponentFailed => "component_failed",
            Refusal::Repetitive => "repeated_key",
            Refusal::Unrenderable => "rewrite_failed",
        }
    }

    fn reason_code(&self) -> ReasonCode {
        match self {
            Refusal::UnknownModel | Refusal::NoModel | Refusal::Repetitive => ReasonCode::Rejected,
            Refusal::ComponentFailed | Refusal::Unrenderable => ReasonCode::ComponentFailed,
        }
    }

    fn reply(&self, record: DecisionRecord) -> crate::Reply {
        let (status, message, param) = match self {
            Refusal::UnknownModel => {
                (400, format!("model {:?} is not available", record.original_model), Some("model"))
            }
            Refusal::NoModel => {
                (400, "no decision matched and the configuration names no default model".to_owned(), Some("model"))
            }
            Refusal::ComponentFailed => (503, "a component that this request needs has failed".to_owned(), None),
            Refusal::Repetitive => (400, "the body repeats a key too often".to_owned(), None),
            Refusal::Unrenderable => (500, "the request could not be rewritten".to_owned(), None),
        };
        reply::refused(status, self.what(), &message, param, record)
    }
}

/// The domain that supports the decision, or else the surest one.
fn category(matches: &[SignalMatch], decision: Option<&Decision>) -> Option<String> {
    let domains = || matches.iter().filter(|m| m.signal == "domain").map(|m| &m.found);
    let leaves = decision.map(|d| rules::leaves(&d.rules)).unwrap_or_default();
    let supporting = domains().find(|found| leaves.iter().any(|l| l.signal == "domain" && l.name == found.rule));
    let surest = || domains().max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    supporting.or_else(surest).map(|found| found.rule.clone())
}
