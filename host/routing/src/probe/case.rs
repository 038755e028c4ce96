//! Cases that an author gives along with a component: what it is asked, and what it is to answer. JSON, the same for all
//! roles.

use super::expect::Expect;
use super::trial::{Trial, asking};
use crate::exchange::Headers;
use crate::question::Question;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use trackside_components::Role;
use trackside_components::types::{Candidate, Match, MatchedDecision, Route, SignalMatch};
use trackside_protocol::BadRequest;

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows.
    pub(super) name: String,
    /// What `configure` gets. A signal may leave out `rules` and `module`.
    #[serde(default)]
    settings: Map<String, Value>,
    /// What the client sends.
    #[serde(default)]
    request: Request,
    /// Signals found before: for all roles but ask and signal.
    #[serde(default)]
    signals: Vec<Signal>,
    /// The decisions that a ranking is to order.
    #[serde(default)]
    matched: Vec<Matched>,
    /// The decision whose candidates a selector is to order.
    #[serde(default)]
    decision: String,
    /// These candidates.
    #[serde(default)]
    candidates: Vec<Offered>,
    /// Where the request that a plugin sees goes.
    #[serde(default)]
    route: Way,
    /// What is to come out.
    pub(super) expect: Expect,
}

/// What a client sends: one message of a user, or a whole body.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    text: String,
    body: Option<Value>,
    headers: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    signal: String,
    rule: String,
    #[serde(default = "sure")]
    confidence: f32,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matched {
    name: String,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    tier: u32,
    #[serde(default = "sure")]
    confidence: f32,
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offered {
    model: String,
    #[serde(default)]
    adapter: Option<String>,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default)]
    quality: Option<f64>,
    #[serde(default)]
    prompt_price: Option<f64>,
    #[serde(default)]
    completion_price: Option<f64>,
    #[serde(default)]
    ttft_ms: Option<f64>,
    #[serde(default)]
    tpot_ms: Option<f64>,
    #[serde(default)]
    in_flight: u32,
    #[serde(default)]
    context_window: Option<u64>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Way {
    decision: String,
    model: String,
    adapter: Option<String>,
    use_reasoning: bool,
    reasoning_effort: Option<String>,
    extra: BTreeMap<String, String>,
}

fn sure() -> f32 {
    1.0
}

fn one() -> f64 {
    1.0
}

impl Case {
    /// What the component is configured with.
    pub(super) fn settings(&self, role: Role) -> Value {
        let mut settings = self.settings.clone();
        if role == Role::Signal {
            for (key, absent) in [("rules", json!([])), ("module", json!({}))] {
                settings.entry(key).or_insert(absent);
            }
        }
        Value::Object(settings)
    }

    /// The request.
    pub(super) fn trial(&self, role: Role) -> Result<Trial, BadRequest> {
        let Request { text, body, headers: given, metadata } = &self.request;
        let body = body.as_ref().map_or_else(|| asking("auto", text), |body| Bytes::from(body.to_string()));
        let mut headers = Headers::default();
        given.iter().for_each(|(name, value)| headers.push(name, value.clone().into()));
        let found = if matches!(role, Role::Ask | Role::Signal) { Vec::new() } else { self.found() };
        Trial::about(body, headers, metadata.clone(), found)
    }

    /// What is asked beside it; nothing of a role that is not asked yet.
    pub(super) fn question(&self, role: Role) -> Option<Question> {
        Some(match role {
            Role::Ask => Question::Ask,
            Role::Signal => Question::Signals,
            Role::Ranking => Question::Order(self.matched.iter().map(MatchedDecision::from).collect()),
            Role::Selector => Question::Choice {
                decision: self.decision.clone(),
                matches: self.found(),
                candidates: self.candidates.iter().map(Candidate::from).collect(),
            },
            Role::RequestPlugin => Question::Edits(Route::from(&self.route)),
            Role::ResponsePlugin => return None,
        })
    }

    fn found(&self) -> Vec<SignalMatch> {
        self.signals.iter().map(SignalMatch::from).collect()
    }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl From<&Signal> for SignalMatch {
    fn from(given: &Signal) -> SignalMatch {
        let Signal { signal, rule, confidence, value, detail, extra } = given;
        let (rule, detail, extra) = (rule.clone(), detail.clone(), pairs(extra));
        SignalMatch {
            signal: signal.clone(),
            found: Match { rule, confidence: *confidence, value: *value, detail, extra },
        }
    }
}

impl From<&Matched> for MatchedDecision {
    fn from(given: &Matched) -> MatchedDecision {
        let Matched { name, priority, tier, confidence, extra } = given;
        let (name, extra) = (name.clone(), pairs(extra));
        MatchedDecision { name, priority: *priority, tier: *tier, confidence: *confidence, extra }
    }
}

impl From<&Offered> for Candidate {
    fn from(given: &Offered) -> Candidate {
        Candidate {
            model: given.model.clone(),
            adapter: given.adapter.clone(),
            weight: given.weight,
            quality: given.quality,
            prompt_price: given.prompt_price,
            completion_price: given.completion_price,
            ttft_ms: given.ttft_ms,
            tpot_ms: given.tpot_ms,
            in_flight: given.in_flight,
            context_window: given.context_window,
            description: given.description.clone(),
            capabilities: given.capabilities.clone(),
            extra: pairs(&given.extra),
        }
    }
}

impl From<&Way> for Route {
    fn from(given: &Way) -> Route {
        Route {
            decision: given.decision.clone(),
            model: given.model.clone(),
            adapter: given.adapter.clone(),
            use_reasoning: given.use_reasoning,
            reasoning_effort: given.reasoning_effort.clone(),
            extra: pairs(&given.extra),
        }
    }
}
