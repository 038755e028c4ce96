//! The decision record: what was seen, what was decided, by whom, and how long it took.

use crate::ranking::Matched;
use serde::Serialize;
use std::time::{Duration, Instant};
use trackside_components::types::SignalMatch;

/// Longest model name that is kept, characters: clients choose it.
const MAX_MODEL_NAME: usize = 256;

/// Why a request went where it went. The text forms are those of logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A decision matched.
    AutoRouting,
    /// No decision matched: the default model.
    NoMatch,
    /// The client named a concrete model or adapter: nothing was evaluated.
    ModelSpecified,
    /// A component failed and its policy is to answer with an error.
    ComponentFailed,
    /// A plugin answered.
    PluginReply,
    /// The request asks for something that does not exist.
    Rejected,
    /// Nothing was decided in time: the default model.
    DecisionTimeout,
    /// The request asked to be left alone.
    Skipped,
}

impl ReasonCode {
    /// The text form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ReasonCode::AutoRouting => "auto_routing",
            ReasonCode::NoMatch => "no_match",
            ReasonCode::ModelSpecified => "model_specified",
            ReasonCode::ComponentFailed => "component_failed",
            ReasonCode::PluginReply => "plugin_reply",
            ReasonCode::Rejected => "rejected",
            ReasonCode::DecisionTimeout => "decision_timeout",
            ReasonCode::Skipped => "skipped",
        }
    }
}

/// Everything about one decision.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionRecord {
    /// The request's id.
    pub request_id: String,
    /// The snapshot that decided.
    pub generation: u64,
    /// The model that the client asked for.
    pub original_model: String,
    /// The model or adapter written in the body; absent when the request was answered or refused.
    pub selected_model: Option<String>,
    /// Why.
    pub reason_code: ReasonCode,
    /// The profile that decided; absent when the client named a concrete model.
    pub profile: Option<String>,
    /// The decision taken, if one matched.
    pub decision: Option<String>,
    /// Its confidence, 0 to 1.
    pub confidence: f32,
    /// The rule of the domain signal that supports the decision, or else the surest domain.
    pub category: Option<String>,
    /// How the model was chosen: `single`, a selector's type, or `default`.
    pub algorithm: String,
    /// The selector's reason.
    pub selection_reason: String,
    /// Whether reasoning was asked for on the chosen model.
    pub use_reasoning: bool,
    /// Signals found, and the outputs of projections that hold.
    pub signals: Vec<SignalRecord>,
    /// The scores of projections, in the order in which they were computed.
    pub scores: Vec<ScoreRecord>,
    /// Signal types that were evaluated, whether or not they found anything.
    pub evaluated: Vec<String>,
    /// Decisions that matched, best first.
    pub ranked: Vec<RankedRecord>,
    /// Every guest call.
    pub calls: Vec<CallRecord>,
    /// Failures that were tolerated, each `component: outcome`.
    pub degraded: Vec<String>,
    /// From the complete body to the answer, milliseconds.
    pub routing_latency_ms: f64,
}

/// One signal that was found.
#[derive(Clone, Debug, Serialize)]
pub struct SignalRecord {
    /// Signal type.
    pub signal: String,
    /// Rule name.
    pub rule: String,
    /// Confidence, 0 to 1.
    pub confidence: f32,
    /// Raw value, if the component gave one.
    pub value: Option<f64>,
    /// Why, in words.
    pub detail: String,
}

/// One score of a projection.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreRecord {
    /// Name.
    pub score: String,
    /// What it came to.
    pub value: f64,
}

/// One matched decision in its place.
#[derive(Clone, Debug, Serialize)]
pub struct RankedRecord {
    /// Name.
    pub decision: String,
    /// Priority from the configuration.
    pub priority: i32,
    /// Tier from the configuration.
    pub tier: u32,
    /// Confidence of its rules.
    pub confidence: f32,
    /// Why it stands here.
    pub reason: String,
}

/// One guest call.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// `ask`, `signal`, `ranking`, `selector` or `request-plugin`.
    pub role: &'static str,
    /// The type it serves.
    pub component: String,
    /// The first 12 hex digits of its digest.
    pub digest: String,
    /// In what part it was called.
    pub part: Part,
    /// `ok`, or how it failed.
    pub outcome: &'static str,
    /// When it began.
    #[serde(skip)]
    pub started: Instant,
    /// Time in the call, microseconds.
    pub time_us: f64,
}

/// In what part a component was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It serves the type.
    Active,
    /// It answers for one that failed.
    Fallback,
    /// It is tried, and this request was its to decide.
    Candidate,
}

impl CallRecord {
    /// The time in the call.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::try_from_secs_f64(self.time_us / 1e6).unwrap_or_default()
    }
}

impl DecisionRecord {
    /// The record of a request about which nothing is decided.
    pub(crate) fn begin(request_id: String, generation: u64, original_model: &str) -> DecisionRecord {
        DecisionRecord {
            request_id,
            generation,
            original_model: original_model.chars().take(MAX_MODEL_NAME).collect(),
            selected_model: None,
            reason_code: ReasonCode::NoMatch,
            profile: None,
            decision: None,
            confidence: 0.0,
            category: None,
            algorithm: "default".to_owned(),
            selection_reason: String::new(),
            use_reasoning: false,
            signals: Vec::new(),
            scores: Vec::new(),
            evaluated: Vec::new(),
            ranked: Vec::new(),
            calls: Vec::new(),
            degraded: Vec::new(),
            routing_latency_ms: 0.0,
        }
    }
}

impl From<&SignalMatch> for SignalRecord {
    fn from(m: &SignalMatch) -> SignalRecord {
        SignalRecord {
            signal: m.signal.clone(),
            rule: m.found.rule.clone(),
            confidence: m.found.confidence,
            value: m.found.value,
            detail: m.found.detail.clone(),
        }
    }
}

impl From<Matched<'_>> for RankedRecord {
    fn from(matched: Matched<'_>) -> RankedRecord {
        RankedRecord {
            decision: matched.decision.name.clone(),
            priority: matched.decision.priority,
            tier: matched.decision.tier,
            confidence: matched.confidence,
            reason: matched.reason,
        }
    }
}
