//! A profile: how one kind of request is routed.

use super::{Place, Projections};
use serde_json::Value;
use std::collections::BTreeMap;

/// The name of the profile that automatic model names ask for.
pub const DEFAULT_PROFILE: &str = "default";

/// How one kind of request is routed: `routing`, or an entry of `recipes`. Profiles share models and components, and
/// nothing else.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Name, unique.
    pub name: String,
    /// For people.
    pub description: String,
    /// The ranking type that orders matched decisions: `priority` unless set.
    pub strategy: String,
    /// Signals by type (`keyword`, `domain`, ...; the singular that rule leaves use), then in the order of the file.
    pub signals: BTreeMap<String, SignalRules>,
    /// What is derived from signals before decisions see them.
    pub projections: Projections,
    /// Decisions in the order of the file.
    pub decisions: Vec<Decision>,
    /// Where its `routing` stands.
    pub place: Place,
}

/// All rules of one signal type.
#[derive(Clone, Debug)]
pub struct SignalRules {
    /// The rules in the order of the file.
    pub rules: Vec<SignalRule>,
    /// What the configuration sets for the type as a whole (an object), such as the domain classifier's threshold.
    pub module: Value,
}

/// One rule of a signal.
#[derive(Clone, Debug)]
pub struct SignalRule {
    /// Its name, unique within the type.
    pub name: String,
    /// The names that its matches go by, and that leaves use: its own, or one for each outcome (`hardness:hard`).
    pub outcomes: Vec<String>,
    /// The whole entry, as JSON, after environment substitution; without what the host itself reads.
    pub settings: Value,
    /// Its matches count only while this holds (`composer` of a complexity).
    pub condition: Option<Rule>,
    /// Where it stands.
    pub place: Place,
}

/// One decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Name, unique.
    pub name: String,
    /// For people.
    pub description: String,
    /// Higher wins.
    pub priority: i32,
    /// Lower wins once any matched decision has a tier above 0.
    pub tier: u32,
    /// When it applies.
    pub rules: Rule,
    /// Where it sends requests; empty: the default model.
    pub candidates: Vec<CandidateRef>,
    /// How it chooses; `static` unless set.
    pub algorithm: Algorithm,
    /// Its plugins in the order of the file, aliases folded.
    pub plugins: Vec<PluginUse>,
    /// Where it stands.
    pub place: Place,
}

/// When a decision applies.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Always: `rules` omitted or `{}`. Only at the root.
    Always,
    /// One signal.
    Leaf(Leaf),
    /// Every child; an empty list holds.
    And(Vec<Rule>),
    /// Any child; an empty list never holds.
    Or(Vec<Rule>),
    /// Not the child.
    Not(Box<Rule>),
}

/// A reference to a signal rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Signal type, such as `keyword`.
    pub signal: String,
    /// Name of the rule within the type.
    pub name: String,
    /// Label, for classifier leaves.
    pub label: Option<String>,
    /// Compared with the raw value, or else the confidence.
    pub predicate: Option<Predicate>,
}

/// Bounds that all have to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Predicate {
    /// Greater than.
    pub gt: Option<f64>,
    /// Greater than or equal.
    pub gte: Option<f64>,
    /// Less than.
    pub lt: Option<f64>,
    /// Less than or equal.
    pub lte: Option<f64>,
}

/// One entry of a decision's `modelRefs`.
#[derive(Clone, Debug)]
pub struct CandidateRef {
    /// Base model name.
    pub model: String,
    /// LoRA adapter name.
    pub adapter: Option<String>,
    /// Weight; 1 unless set.
    pub weight: f64,
    /// Whether reasoning is switched on.
    pub use_reasoning: bool,
    /// Effort, if the entry names one.
    pub reasoning_effort: Option<String>,
}

/// How a decision chooses among its candidates.
#[derive(Clone, Debug)]
pub struct Algorithm {
    /// The selector's type.
    pub kind: String,
    /// The block named like the type (an object), or an empty object.
    pub settings: Value,
    /// Where the block, or else the algorithm, stands.
    pub place: Place,
}

/// One plugin of a decision.
#[derive(Clone, Debug)]
pub struct PluginUse {
    /// The plugin's type, aliases folded.
    pub kind: String,
    /// Its `configuration` (an object).
    pub configuration: Value,
    /// Where the configuration stands.
    pub place: Place,
}
