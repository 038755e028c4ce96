//! The configuration, ready to use: references checked, defaults filled in, names typed.

use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// A place in the file, such as `routing.decisions[2].plugins[0].configuration`: mapping keys and sequence indexes from the top.
///
/// Later stages (settings checked against a component's schema) turn it back into a span with [`crate::Config::span`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub Vec<Step>);

/// One step of a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A mapping key.
    Key(String),
    /// A position in a sequence.
    Index(usize),
}

/// Everything that a snapshot is built from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Models and how to speak to them, by name, in the order of the file.
    pub models: Vec<Model>,
    /// The model that takes what no decision takes. A model or an adapter name.
    pub default_model: Option<String>,
    /// The effort used where a decision names none; `medium` unless set.
    pub default_reasoning_effort: String,
    /// Reasoning families by name.
    pub reasoning_families: BTreeMap<String, ReasoningFamily>,
    /// Model names that ask for routing: `vllm-sr/auto`, `auto` and `MoM` unless set.
    pub auto_model_names: Vec<String>,
    /// Whether `/v1/models` lists backend models too.
    pub list_backend_models: bool,
    /// Whether the gateway is asked to pick the route again after headers were changed. True unless set.
    pub clear_route_cache: bool,
    /// The ranking type that orders matched decisions: `priority` unless set.
    pub strategy: String,
    /// Signals by type (`keyword`, `domain`, ...; the singular that rule leaves use), then in the order of the file.
    pub signals: BTreeMap<String, SignalRules>,
    /// Decisions in the order of the file.
    pub decisions: Vec<Decision>,
    /// The model that embeds texts.
    pub embedding: EmbeddingModel,
    /// The `components` block.
    pub components: Components,
}

/// The embedding model that the file asks for (`global.model_catalog.embeddings.semantic`).
#[derive(Clone, Debug, Default)]
pub struct EmbeddingModel {
    /// v0.3's name: `mmbert`, `qwen3`, `gemma`, `multimodal`, `bert` or `remote`; v0.3's default when the file names none.
    pub name: String,
    /// The directory that the file gives for that name, resolved against its folder.
    pub path: Option<PathBuf>,
    /// Arithmetic of the model.
    pub precision: Precision,
    /// Dimensions to keep of each vector, at least 1; all when not set.
    pub target_dimension: Option<usize>,
    /// Layers to run, at least 1; all when not set.
    pub target_layer: Option<usize>,
    /// Where the file chooses the model; `None` when it leaves the choice to Trackside.
    pub place: Option<Place>,
}

/// Arithmetic of the embedding model. An addition to v0.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// The fastest on this machine that keeps its vectors faithful.
    #[default]
    Auto,
    /// 8-bit integers.
    Int8,
    /// 16-bit floating point, `bf16`.
    Bf16,
    /// 32-bit floating point.
    Fp32,
}

/// One model of `providers.models` with its card from `routing.modelCards`.
#[derive(Clone, Debug)]
pub struct Model {
    /// Name, unique.
    pub name: String,
    /// The name that the upstream knows, written in the body in place of `name`.
    pub provider_model_id: Option<String>,
    /// Reasoning family, if any.
    pub reasoning_family: Option<String>,
    /// Provider type of the primary backend: `vllm` unless the file says otherwise.
    pub provider: String,
    /// Host of the primary backend, without scheme, port and path; empty when there is none.
    pub host: String,
    /// Price of a million prompt tokens.
    pub prompt_price: Option<f64>,
    /// Price of a million completion tokens.
    pub completion_price: Option<f64>,
    /// Quality score, 0 to 1.
    pub quality: Option<f64>,
    /// Context window, tokens.
    pub context_window: Option<u64>,
    /// Description from the card; empty when there is none.
    pub description: String,
    /// Capabilities from the card.
    pub capabilities: Vec<String>,
    /// LoRA adapters from the card.
    pub adapters: Vec<Adapter>,
}

/// A LoRA adapter of a model.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Name, written in the body when the adapter is chosen.
    pub name: String,
    /// Description; empty when there is none.
    pub description: String,
}

/// How reasoning is switched for a family of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasoningFamily {
    /// `chat_template_kwargs`, `reasoning_effort` or `top_level_reasoning_effort`.
    pub kind: String,
    /// The parameter, such as `enable_thinking`.
    pub parameter: String,
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

/// The `components` block: Trackside's own addition to v0.3.
#[derive(Clone, Debug, Default)]
pub struct Components {
    /// A folder whose `*.wasm` files are loaded, resolved against the configuration file's folder.
    pub directory: Option<PathBuf>,
    /// Per component settings.
    pub uses: Vec<ComponentUse>,
}

/// One entry of `components.use`.
#[derive(Clone, Debug)]
pub struct ComponentUse {
    /// The type it serves.
    pub serves: String,
    /// The file, resolved against the configuration file's folder; without one the entry adjusts a built-in or a file of the directory.
    pub source: Option<PathBuf>,
    /// `sha256:` and 64 hex digits that the file must have.
    pub digest: Option<String>,
    /// A file for the component to read, resolved against the configuration file's folder.
    pub artefact: Option<PathBuf>,
    /// Capabilities it may use: `embeddings`, `neighbours`, `cache`, `key-value`.
    pub grants: Vec<String>,
    /// Most bytes of memory one instance may have.
    pub memory_bytes: Option<u64>,
    /// Longest time for one call.
    pub deadline: Option<std::time::Duration>,
    /// What happens when it fails.
    pub on_failure: Option<OnFailure>,
    /// Where it stands.
    pub place: Place,
}

/// What happens when a component fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// As if it had said nothing.
    Open,
    /// The request is answered with an error.
    Closed,
    /// The component that serves this type answers instead.
    Fallback(String),
}
