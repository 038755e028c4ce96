//! What `config.json` says about the network: its architecture, its sizes and the classification head on top of it.

mod bert;
mod head;
mod modern_bert;

pub(crate) use bert::BertConfig;
pub(crate) use head::{HeadConfig, Task};
pub(crate) use modern_bert::{AttentionKind, ModernBertConfig};

use crate::{
    LoadError,
    model_dir::{Contents, ModelDir, unsupported},
};
use serde_json::{Map, Value};
use std::fmt;

/// A family of networks that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    Bert,
    XlmRoberta,
    ModernBert,
}

/// A network of one of the families, with its sizes.
#[derive(Debug)]
pub(crate) enum NetworkConfig {
    Bert(BertConfig),
    ModernBert(ModernBertConfig),
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) architecture: Architecture,
    pub(crate) network: NetworkConfig,
    pub(crate) file: Contents,
}

impl Architecture {
    const ALL: [Self; 3] = [Self::Bert, Self::XlmRoberta, Self::ModernBert];

    /// The name that files give it as `model_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::XlmRoberta => "xlm-roberta",
            Self::ModernBert => "modernbert",
        }
    }

    /// What classes of this family, and the tensors of a whole network with its head, are called by in files.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Bert => ("Bert", "bert."),
            Self::XlmRoberta => ("XLMRoberta", "roberta."),
            Self::ModernBert => ("ModernBert", "model."),
        }
    }

    /// What stands in front of the network's tensors in a file that also holds a head.
    pub(crate) fn prefix(self) -> &'static str {
        self.names().1
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Config {
    pub(crate) fn load(dir: &ModelDir<'_>) -> Result<Self, LoadError> {
        let file = dir.config()?;
        // Another architecture lacks fields of these, so it must be refused by name before its fields are read.
        let fields: Map<String, Value> = file.parse()?;
        let name = fields.get("model_type").and_then(Value::as_str).unwrap_or("");
        let architecture = Architecture::ALL.into_iter().find(|known| known.as_str() == name);
        let Some(architecture) = architecture else {
            return Err(unsupported(&file.path, "model_type", name, "bert, xlm-roberta or modernbert"));
        };
        let network = match architecture {
            Architecture::Bert | Architecture::XlmRoberta => {
                NetworkConfig::Bert(BertConfig::read(&file, architecture)?)
            }
            Architecture::ModernBert => NetworkConfig::ModernBert(ModernBertConfig::read(&file)?),
        };
        Ok(Self { architecture, network, file })
    }

    /// The classification head on top of the network; `None` when the file describes none.
    pub(crate) fn head(&self) -> Result<Option<HeadConfig>, LoadError> {
        HeadConfig::read(&self.file, self.architecture)
    }

    /// The classification head, which must be one for this task.
    pub(crate) fn head_for(&self, task: Task) -> Result<HeadConfig, LoadError> {
        let (kind, expected) = match task {
            Task::Texts => ("no classifier of texts", "a ...ForSequenceClassification of its model_type"),
            Task::Tokens => ("no classifier of tokens", "a ...ForTokenClassification of its model_type"),
        };
        let head = self.head()?.filter(|head| head.task == task);
        head.ok_or_else(|| unsupported(&self.file.path, "architectures", kind, expected))
    }

    /// The length of the vector of each token.
    pub(crate) fn width(&self) -> usize {
        match &self.network {
            NetworkConfig::Bert(bert) => bert.width,
            NetworkConfig::ModernBert(modern) => modern.width,
        }
    }

    /// How many word vectors there are.
    pub(crate) fn words(&self) -> usize {
        match &self.network {
            NetworkConfig::Bert(bert) => bert.words,
            NetworkConfig::ModernBert(modern) => modern.words,
        }
    }

    /// The longest input the network can take, in tokens.
    pub(crate) fn positions(&self) -> usize {
        match &self.network {
            NetworkConfig::Bert(bert) => bert.positions,
            NetworkConfig::ModernBert(modern) => modern.positions,
        }
    }

    pub(crate) fn layers(&self) -> usize {
        match &self.network {
            NetworkConfig::Bert(bert) => bert.layers,
            NetworkConfig::ModernBert(modern) => modern.layers,
        }
    }
}

/// Sizes that must be at least 1, by their names in the file.
fn expect_sizes(file: &Contents, sizes: &[(&str, usize)]) -> Result<(), LoadError> {
    sizes.iter().try_for_each(|&(field, size)| file.expect(field, size, size > 0, "at least 1"))
}

fn expect_positive(file: &Contents, field: &str, number: f32) -> Result<(), LoadError> {
    file.expect(field, number, number > 0.0 && number.is_finite(), "a positive number")
}

fn expect_gelu(file: &Contents, field: &str, name: &str) -> Result<(), LoadError> {
    file.expect(field, name, name == "gelu", "gelu")
}

fn gelu() -> String {
    "gelu".into()
}
