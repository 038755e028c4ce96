//! Models, and the model that embeds.

use super::Place;
use std::path::PathBuf;

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
