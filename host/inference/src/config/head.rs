//! The classification head that `config.json` describes, with the names of its labels.

use super::{Architecture, expect_gelu, gelu};
use crate::{LoadError, model_dir::Contents, sentence::Pooling};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a head puts labels on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Texts,
    Tokens,
}

#[derive(Debug)]
pub(crate) struct HeadConfig {
    pub(crate) task: Task,
    /// At least two, in the order of the head's outputs.
    pub(crate) labels: Vec<String>,
    /// Which vector of a text is classified.
    pub(crate) pooling: Pooling,
    /// Whether ModernBERT's dense layer in front of the classifier has a bias.
    pub(crate) dense_bias: bool,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    id2label: BTreeMap<usize, String>,
    #[serde(default)]
    problem_type: Option<String>,
    #[serde(default)]
    classifier_pooling: Option<String>,
    #[serde(default = "gelu")]
    classifier_activation: String,
    #[serde(default)]
    classifier_bias: bool,
}

impl HeadConfig {
    /// `None` when the file's `architectures` name no classifier of this family.
    pub(super) fn read(file: &Contents, architecture: Architecture) -> Result<Option<Self>, LoadError> {
        let raw: Raw = file.parse()?;
        let Some(task) = raw.task(architecture) else { return Ok(None) };
        let problem = raw.problem_type.as_deref().unwrap_or(SINGLE_LABEL);
        file.expect("problem_type", problem, problem == SINGLE_LABEL, SINGLE_LABEL)?;
        let count = raw.id2label.len();
        let whole = count > 1 && raw.id2label.keys().copied().eq(0..count);
        file.expect("id2label", format!("{count} labels"), whole, "at least 2, numbered from 0")?;
        let pooling = match (architecture, raw.classifier_pooling.as_deref()) {
            (Architecture::ModernBert, Some("mean")) => Pooling::Mean,
            (Architecture::ModernBert, Some(other)) => {
                file.expect("classifier_pooling", other, other == "cls", "cls or mean")?;
                Pooling::Cls
            }
            _ => Pooling::Cls,
        };
        expect_gelu(file, "classifier_activation", &raw.classifier_activation)?;
        let labels = raw.id2label.into_values().collect();
        Ok(Some(Self { task, labels, pooling, dense_bias: raw.classifier_bias }))
    }
}

const SINGLE_LABEL: &str = "single_label_classification";

impl Raw {
    fn task(&self, architecture: Architecture) -> Option<Task> {
        let (family, _) = architecture.names();
        let mut heads = self.architectures.iter().flatten().filter_map(|name| name.strip_prefix(family));
        heads.find_map(|head| match head {
            "ForSequenceClassification" => Some(Task::Texts),
            "ForTokenClassification" => Some(Task::Tokens),
            _ => None,
        })
    }
}
