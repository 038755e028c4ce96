//! `global.model_catalog.embeddings.semantic`: the model that embeds texts.

use crate::{Diagnostic, EmbeddingModel, Precision, Report, codes, suggest, view::View};
use std::path::Path;

/// v0.3's names of models, and the key of each one's directory.
const MODELS: [(&str, &str); 5] = [
    ("mmbert", "mmbert_model_path"),
    ("qwen3", "qwen3_model_path"),
    ("gemma", "gemma_model_path"),
    ("multimodal", "multimodal_model_path"),
    ("bert", "bert_model_path"),
];
/// The name of a model behind an API.
const REMOTE: &str = "remote";
const DEFAULT_MODEL: &str = "mmbert";
/// What v0.3 takes a model type for that is there and empty.
const BLANK_MODEL: &str = "qwen3";
const BACKENDS: [&str; 3] = ["candle", "openvino", "openai_compatible"];

pub(super) fn embedding(root: &View<'_>, base_dir: &Path, report: &mut Report) -> EmbeddingModel {
    let semantic = root.at(&["global", "model_catalog", "embeddings", "semantic"]);
    let config = semantic.as_ref().and_then(|s| s.get("embedding_config"));
    let key = |key: &str| config.as_ref().and_then(|c| c.get(key));
    let backend = key("backend").map(|backend| one_of(&backend, BACKENDS, report));
    let chosen = key("model_type");
    let name = match (&chosen, backend.as_deref()) {
        (Some(chosen), _) => one_of(chosen, MODELS.into_iter().map(|(name, _)| name).chain([REMOTE]), report),
        (None, Some("openai_compatible")) => REMOTE.to_owned(),
        (None, _) => DEFAULT_MODEL.to_owned(),
    };
    let name = if name.is_empty() { BLANK_MODEL.to_owned() } else { name };
    let path_key = MODELS.iter().find(|(model, _)| *model == name).map(|(_, key)| *key);
    let path = path_key.and_then(|key| semantic.as_ref()?.get(key));
    let at_least_one = |key: &str| config.as_ref().and_then(|c| c.int::<usize>(key)).filter(|n| *n > 0);
    EmbeddingModel {
        name,
        place: chosen.as_ref().or(path.as_ref()).map(|view| view.place.clone()),
        path: path.and_then(|p| p.node.as_text()).filter(|p| !p.is_empty()).map(|p| base_dir.join(p)),
        precision: config.as_ref().and_then(|c| c.text("precision")).map(precision).unwrap_or_default(),
        target_dimension: at_least_one("target_dimension"),
        target_layer: at_least_one("target_layer"),
    }
}

/// The word in lower case, as v0.3 reads it; one that it does not know is an error.
fn one_of<'w>(view: &View<'_>, words: impl IntoIterator<Item = &'w str>, report: &mut Report) -> String {
    let word = view.node.as_text().unwrap_or_default().trim().to_lowercase();
    let words: Vec<&str> = words.into_iter().collect();
    if !word.is_empty() && !words.contains(&word.as_str()) {
        let message = format!("{} takes {}, not {:?}", view.place, words.join(", "), suggest::shorten(&word));
        let help = suggest::did_you_mean(&word, words);
        report.push(Diagnostic::error(codes::UNKNOWN_WORD, message).at(view.span()).help(help));
    }
    word
}

/// The shape has complained about any other word.
fn precision(word: &str) -> Precision {
    match word {
        "int8" => Precision::Int8,
        "bf16" => Precision::Bf16,
        "fp32" => Precision::Fp32,
        _ => Precision::Auto,
    }
}
