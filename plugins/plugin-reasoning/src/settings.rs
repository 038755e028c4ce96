//! What the host tells of the providers: families, and which model belongs to which.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Failure, failure};

/// Families, models and the effort to ask for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Effort of decisions that name none; `medium` when left out.
    pub(crate) default_effort: Option<String>,
    /// Reasoning families by name.
    #[serde(default)]
    pub(crate) families: BTreeMap<String, Family>,
    /// Models by name. A model that is not listed has no family.
    #[serde(default)]
    pub(crate) models: BTreeMap<String, Model>,
}

/// How a family of models is told to reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// Where the switch sits.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// The field's name, such as `enable_thinking`. A name with dots is one name.
    pub(crate) parameter: String,
}

/// Where a family's switch sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A flag among the arguments of the chat template.
    ChatTemplateKwargs,
    /// An effort: a field of the body at the hosts that define it, an argument of the chat template elsewhere.
    ReasoningEffort,
    /// An effort that is a field of the body everywhere.
    TopLevelReasoningEffort,
}

/// A model of the configuration.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// Its reasoning family.
    pub(crate) family: Option<String>,
    /// Type of its provider, such as `vllm` or `openai`.
    pub(crate) provider: Option<String>,
    /// Host of its backend, with or without a port.
    pub(crate) host: Option<String>,
}

/// Whose dialect a backend speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// DeepSeek's own service: `thinking` beside the effort, and no arguments for a chat template.
    DeepSeek,
    /// A service that defines `reasoning_effort` as a field of the body.
    Official,
    /// Whatever serves a chat template: vLLM and its like.
    Template,
}

impl Model {
    pub(crate) fn dialect(&self) -> Dialect {
        let host = self.host.as_deref().unwrap_or_default().to_ascii_lowercase();
        let host = host.split_once(':').map_or(host.as_str(), |(name, _port)| name);
        let within =
            |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let official = ["openai.com", "openrouter.ai", "deepseek.com"].into_iter().any(within);
        if host == "api.deepseek.com" {
            Dialect::DeepSeek
        } else if official && self.provider.as_deref() == Some("openai") {
            Dialect::Official
        } else {
            Dialect::Template
        }
    }
}

impl Settings {
    /// Refuses references and parameters that could never work.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        for (name, family) in &self.families {
            if family.parameter.is_empty() {
                return Err(invalid(format!("family `{name}`: the parameter is empty")));
            }
            if family.kind == Kind::TopLevelReasoningEffort && family.parameter != "reasoning_effort" {
                let parameter = &family.parameter;
                return Err(invalid(format!(
                    "family `{name}`: type `top_level_reasoning_effort` takes the parameter `reasoning_effort`, not `{parameter}`"
                )));
            }
        }
        for (name, model) in &self.models {
            if let Some(family) = model.family.as_ref().filter(|family| !self.families.contains_key(*family)) {
                return Err(invalid(format!("model `{name}`: there is no reasoning family `{family}`")));
            }
        }
        Ok(())
    }

    pub(crate) fn model(&self, name: &str) -> Option<(&Family, Dialect)> {
        let model = self.models.get(name)?;
        Some((self.families.get(model.family.as_ref()?)?, model.dialect()))
    }
}

fn invalid(message: String) -> Failure {
    failure("invalid-settings", message)
}
