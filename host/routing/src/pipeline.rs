//! The way one request takes through a snapshot.

use crate::call::{Closed, Degraded, Purpose, Stage, Trail};
use crate::exchange::{Answer, Forward, Incoming};
use crate::names::Requested;
use crate::observe::{Reasoned, Selected, Steps, Untold};
use crate::profile::{Decision, Profile, Target};
use crate::ranking::Matched;
use crate::record::{DecisionRecord, RankedRecord, ReasonCode, ScoreRecord, SignalRecord};
use crate::rules::{self, Found};
use crate::snapshot::Snapshot;
use crate::view::View;
use crate::{ask, headers, plugins, projections, ranking, reply, selection, signals};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use trackside_components::Current as _;
use trackside_components::types::{Reply, RequestHead, Route, SignalMatch};
use trackside_config::Anonymous;
use trackside_protocol::{ChatRequest, EditError, Edits};
use trackside_telemetry::Metrics;

/// The signal that needs an identity.
const AUTHZ: &str = "authz";

/// Most of a profile's name that a refusal repeats, characters: it may come from the client.
const MAX_PROFILE_NAME: usize = 256;

/// One request under way.
struct Passage<'a> {
    snapshot: &'a Snapshot,
    /// Where it counts.
    metrics: Arc<Metrics>,
    /// The default one until it is known which one decides.
    profile: &'a Profile,
    view: Arc<View>,
    head: RequestHead,
    record: DecisionRecord,
    steps: Steps,
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
    /// The gateway names a profile that does not exist.
    UnknownProfile(String),
    /// Roles decide, and nobody says who the user is.
    Anonymous,
    NoModel,
    ComponentFailed,
    /// Nothing was decided in time.
    Late,
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
        self.decide(incoming).await.0
    }

    /// The same, and what is to be told of it once the answer is out.
    pub async fn decide(&self, incoming: Incoming) -> (Answer, Untold) {
        if self.skips(&incoming.headers) {
            return self.skip(incoming);
        }
        self.pass_through(incoming, Arc::clone(&self.metrics), Purpose::Traffic).await
    }

    /// Decides about a request that nobody sent. Nothing of it counts, and nothing is logged.
    pub(crate) async fn rehearse(&self, incoming: Incoming, metrics: Arc<Metrics>) -> Answer {
        self.pass_through(incoming, metrics, Purpose::Probe).await.0
    }

    async fn pass_through(&self, incoming: Incoming, metrics: Arc<Metrics>, purpose: Purpose) -> (Answer, Untold) {
        let started = Instant::now();
        let Incoming { id, headers, body, metadata, profile: named, deadline } = incoming;
        match ChatRequest::parse(body) {
            Ok(request) => {
                let record = DecisionRecord::begin(id.clone(), self.generation, request.model());
                let view = Arc::new(View::new(id, request, headers, metadata, self.hidden.clone()));
                let (head, trail, profile) = (view.head(), Trail::of(purpose), &self.profiles.default);
                let steps = Steps::default();
                let passage =
                    Passage { snapshot: self, metrics, profile, view, head, record, steps, trail, started, deadline };
                passage.run(named).await
            }
            Err(error) => {
                let told = headers::told(&headers, self.generation, &[]);
                let mut untold = Untold::unread(metrics);
                untold.refused = Some("parse_error");
                (Answer::Respond(reply::bad_request(&error, told)), untold)
            }
        }
    }

    /// Passes a request on as it is, unread.
    fn skip(&self, incoming: Incoming) -> (Answer, Untold) {
        let Incoming { id, headers, .. } = incoming;
        let mut record = DecisionRecord::begin(id, self.generation, "");
        record.reason_code = ReasonCode::Skipped;
        let told = headers::told(&headers, self.generation, &[]);
        let forward = Forward::new(None, BTreeMap::new(), false, told, record);
        let mut untold = Untold::unread(Arc::clone(&self.metrics));
        untold.record = Some(Arc::clone(&forward.record));
        (Answer::Forward(forward), untold)
    }
}

impl<'a> Passage<'a> {
    /// A profile that the gateway names goes before the one that the model's name stands for.
    async fn run(mut self, named: Option<String>) -> (Answer, Untold) {
        let snapshot = self.snapshot;
        let known = |name: String| {
            let unknown = || Refusal::UnknownProfile(name.chars().take(MAX_PROFILE_NAME).collect());
            snapshot.profiles.get(&name).ok_or_else(unknown)
        };
        let named = named.map(known).transpose();
        let outcome = match (named, snapshot.names.resolve(self.view.request.model())) {
            (Err(refusal), _) => Err(refusal),
            (Ok(named), Requested::Auto) => self.route_by(named.unwrap_or(self.profile)).await,
            (Ok(named), Requested::Profile(name)) => {
                let meant = named.or_else(|| snapshot.profiles.get(name)).unwrap_or(self.profile);
                self.route_by(meant).await
            }
            (Ok(_), Requested::Concrete { upstream }) => self.pass(upstream),
            (Ok(_), Requested::Unknown) => Err(Refusal::UnknownModel),
        };
        self.answer(outcome)
    }

    async fn route_by(&mut self, profile: &'a Profile) -> Result<Outcome, Refusal> {
        self.profile = profile;
        self.record.profile = Some(profile.name.clone());
        self.identified()?;
        self.route().await
    }

    /// Where roles decide, somebody has to say who the user is.
    fn identified(&self) -> Result<(), Refusal> {
        let identity = &self.snapshot.identity;
        let needed = identity.anonymous == Anonymous::Refused && self.profile.signals.contains_key(AUTHZ);
        let user = || self.view.header(&identity.user_header).filter(|user| !user.trim().is_empty());
        if needed && user().is_none() { Err(Refusal::Anonymous) } else { Ok(()) }
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

    /// Finds out where the request goes. Every call into a component ends by the deadline, and what is not decided then is
    /// not decided at all; a component that must not be left out still refuses the request.
    async fn route(&mut self) -> Result<Outcome, Refusal> {
        match self.decide().await {
            Err(Refusal::Late) => {
                self.trail.degraded.push(Degraded { component: "decision".to_owned(), reason: "timeout" });
                (self.record.decision, self.record.confidence) = (None, 0.0);
                "default".clone_into(&mut self.record.algorithm);
                self.record.reason_code = ReasonCode::DecisionTimeout;
                self.fall_back("the decision took too long: the default model").map_err(|refusal| match refusal {
                    Refusal::NoModel => Refusal::Late,
                    refusal => refusal,
                })
            }
            outcome => outcome,
        }
    }

    async fn decide(&mut self) -> Result<Outcome, Refusal> {
        let view = self.view.clone();
        self.find_ask().await?;
        let matches = view.found(self.find_signals().await?);
        self.in_time()?;
        let decision = self.take_decision(matches).await?;
        self.in_time()?;
        match decision {
            Some(decision) => self.follow(decision, matches).await,
            None => {
                self.record.reason_code = ReasonCode::NoMatch;
                self.fall_back("no decision matched: the default model")
            }
        }
    }

    fn in_time(&self) -> Result<(), Refusal> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(Refusal::Late) }
    }

    /// From here on the ask is what a human wrote.
    async fn find_ask(&mut self) -> Result<(), Refusal> {
        if let Some(stage) = self.snapshot.ask.as_ref().filter(|_| self.profile.reads_text) {
            let found = ask::find(stage, &self.view, &self.head, self.deadline, &mut self.trail).await?;
            self.head.text = found.unwrap_or_else(|| std::mem::take(&mut self.head.text));
        }
        Ok(())
    }

    async fn find_signals(&mut self) -> Result<Vec<SignalMatch>, Refusal> {
        let deadline = self.deadline;
        let found = signals::evaluate(self.profile, &self.view, &self.head, deadline, &mut self.trail).await?;
        self.record.evaluated.extend(found.iter().map(|evaluation| evaluation.signal.clone()));
        let mut matches = signals::matches(&found);
        self.steps.signals = found;
        let derived = projections::derive(&self.profile.projections, &matches);
        matches.extend(derived.outputs);
        self.record.scores = derived.scores.into_iter().map(|(score, value)| ScoreRecord { score, value }).collect();
        self.record.signals = matches.iter().map(SignalRecord::from).collect();
        Ok(matches)
    }

    async fn take_decision(&mut self, matches: &[SignalMatch]) -> Result<Option<&'a Decision>, Refusal> {
        let (started, deadline, found) = (Instant::now(), self.deadline, Found(matches));
        let holding = |decision: &'a Decision| {
            let confidence = rules::evaluate(&decision.rules, &found)?;
            Some(Matched { decision, confidence, reason: String::new() })
        };
        let matched: Vec<Matched<'a>> = self.profile.decisions.iter().filter_map(holding).collect();
        let stage = self.profile.ranking.as_ref();
        let ranked = ranking::rank(stage, matched, &self.view, &self.head, deadline, &mut self.trail).await?;
        let taken = ranked.first().map(|first| (first.decision, first.confidence));
        self.record.ranked = ranked.into_iter().map(RankedRecord::from).collect();
        if let Some((decision, confidence)) = taken {
            self.record.reason_code = ReasonCode::AutoRouting;
            self.record.decision = Some(decision.name.clone());
            self.record.confidence = confidence;
        }
        self.record.category = category(matches, taken.map(|(decision, _)| decision));
        self.steps.ranking = Some(started.elapsed());
        Ok(taken.map(|(decision, _)| decision))
    }

    /// The default model, and nothing else is changed.
    fn fall_back(&mut self, why: &str) -> Result<Outcome, Refusal> {
        let model = self.snapshot.default_model.as_ref().ok_or(Refusal::NoModel)?;
        self.record.selected_model = Some(model.clone());
        why.clone_into(&mut self.record.selection_reason);
        let mut edits = self.view.request.edit();
        edits.set_model(self.snapshot.names.upstream(model));
        Ok(Outcome::Forward { body: self.render(&edits)?, headers: BTreeMap::new() })
    }

    async fn follow(&mut self, decision: &'a Decision, matches: &[SignalMatch]) -> Result<Outcome, Refusal> {
        let target = self.choose(decision, matches).await?;
        self.in_time()?;
        let route = Route {
            decision: decision.name.clone(),
            model: target.as_ref().map(|t| t.model.clone()).unwrap_or_default(),
            adapter: target.as_ref().and_then(|t| t.adapter.clone()),
            use_reasoning: target.as_ref().is_some_and(|t| t.use_reasoning),
            reasoning_effort: target.as_ref().and_then(|t| t.reasoning_effort.clone()),
            extra: Vec::new(),
        };
        let deadline = self.deadline;
        let stages = self.reasoning(target.as_ref()).into_iter().chain(&decision.plugins);
        let edited = plugins::run(stages, &self.view, &self.head, &route, deadline, &mut self.trail).await?;
        self.steps.plugins = edited.runs;
        if let Some(answer) = edited.reply {
            self.record.reason_code = ReasonCode::PluginReply;
            return Ok(Outcome::Reply(answer));
        }
        self.in_time()?;
        let target = target.ok_or(Refusal::NoModel)?;
        let mut body = edited.body;
        body.set_model(self.snapshot.names.upstream(target.name()));
        self.record.use_reasoning = target.use_reasoning;
        let effort = target.reasoning_effort.as_deref().unwrap_or(&self.snapshot.default_effort);
        let effort = target.use_reasoning.then(|| effort.to_owned());
        self.steps.reasoning = Some(Reasoned { model: target.model.clone(), effort });
        self.record.selected_model = Some(target.name().to_owned());
        Ok(Outcome::Forward { body: self.render(&body)?, headers: edited.headers })
    }

    /// The reasoning plugin, where it has something to do: for a model of a family, and for an effort that the client names.
    fn reasoning(&self, target: Option<&Target>) -> Option<&'a Stage> {
        let snapshot = self.snapshot;
        let of_a_family = target.is_some_and(|target| snapshot.reasoning_models.contains(&target.model));
        let stage = snapshot.reasoning.as_ref()?;
        (of_a_family || self.view.request.field(&["reasoning_effort"]).is_some()).then_some(stage)
    }

    /// The model or adapter that the decision sends the request to; the default model when it names none.
    async fn choose(&mut self, decision: &'a Decision, matches: &[SignalMatch]) -> Result<Option<Target>, Refusal> {
        let (started, deadline) = (Instant::now(), self.deadline);
        let chosen = selection::select(decision, &self.view, &self.head, matches, deadline, &mut self.trail).await?;
        let Some(chosen) = chosen else {
            self.record.selection_reason = "the decision names no model: the default model".to_owned();
            return Ok(self.snapshot.default_model.as_deref().map(|name| self.snapshot.target(name)));
        };
        self.steps.selection = Some(Selected {
            method: chosen.algorithm.to_owned(),
            model: chosen.target.model.clone(),
            decision: decision.name.clone(),
            took: started.elapsed(),
        });
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

    fn answer(self, outcome: Result<Outcome, Refusal>) -> (Answer, Untold) {
        let Passage { snapshot, metrics, mut record, steps, mut trail, started, view, .. } = self;
        let without = view.embeddings().failures().into_iter();
        trail.degraded.extend(without.map(|failed| Degraded { component: failed.component, reason: failed.reason }));
        record.calls = std::mem::take(&mut trail.calls);
        record.degraded = trail.degraded.iter().map(|d| format!("{}: {}", d.component, d.reason)).collect();
        let told = headers::told(view.headers(), snapshot.generation, &record.degraded);
        record.routing_latency_ms = started.elapsed().as_secs_f64() * 1e3;
        let refused = outcome.as_ref().err().map(Refusal::what);
        let answer = match outcome {
            Ok(Outcome::Forward { body, headers }) => {
                Answer::Forward(Forward::new(body, headers, snapshot.clear_route_cache, told, record))
            }
            Ok(Outcome::Reply(answer)) => Answer::Respond(reply::from_plugin(answer, told, record)),
            Err(refusal) => {
                record.reason_code = refusal.reason_code();
                Answer::Respond(refusal.reply(told, record))
            }
        };
        let record = answer.record().cloned();
        (answer, Untold { metrics, record, refused, steps, trail, view: Some(view) })
    }
}

impl Refusal {
    /// A word for metrics, for the client and for the gateway's access log.
    fn what(&self) -> &'static str {
        match self {
            Refusal::UnknownModel => "model_not_found",
            Refusal::UnknownProfile(_) => "profile_not_found",
            Refusal::Anonymous => "identity_required",
            Refusal::NoModel => "no_model_selected",
            Refusal::ComponentFailed => "component_failed",
            Refusal::Late => "decision_timeout",
            Refusal::Repetitive => "repeated_key",
            Refusal::Unrenderable => "rewrite_failed",
        }
    }

    fn reason_code(&self) -> ReasonCode {
        match self {
            Refusal::UnknownModel
            | Refusal::UnknownProfile(_)
            | Refusal::Anonymous
            | Refusal::NoModel
            | Refusal::Repetitive => ReasonCode::Rejected,
            Refusal::ComponentFailed | Refusal::Unrenderable => ReasonCode::ComponentFailed,
            Refusal::Late => ReasonCode::DecisionTimeout,
        }
    }

    fn reply(&self, told: Vec<headers::Told>, record: DecisionRecord) -> crate::Reply {
        let (status, message, param) = match self {
            Refusal::UnknownModel => {
                (400, format!("model {:?} is not available", record.original_model), Some("model"))
            }
            Refusal::UnknownProfile(name) => (400, format!("profile {name:?} does not exist"), None),
            Refusal::Anonymous => {
                (403, "this model needs to know who asks, and no identity came along".to_owned(), None)
            }
            Refusal::NoModel => {
                (400, "no decision matched and the configuration names no default model".to_owned(), Some("model"))
            }
            Refusal::ComponentFailed => (503, "a component that this request needs has failed".to_owned(), None),
            Refusal::Late => (503, "nothing was decided in time".to_owned(), None),
            Refusal::Repetitive => (400, "the body repeats a key too often".to_owned(), None),
            Refusal::Unrenderable => (500, "the request could not be rewritten".to_owned(), None),
        };
        reply::refused(status, self.what(), &message, param, told, record)
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
