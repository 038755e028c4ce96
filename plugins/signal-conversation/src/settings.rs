//! Conversation rules as the configuration writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::Predicate;

/// One conversation rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that decisions refer to.
    pub(crate) name: String,
    /// What is looked at.
    pub(crate) feature: Feature,
    /// Bounds on a count; without them a count always matches.
    #[serde(default)]
    pub(crate) predicate: Option<Predicate>,
}

/// What a rule looks at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feature {
    /// Whether it is counted or only has to be there.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// What is counted.
    pub(crate) source: Source,
}

/// How a source becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// How many there are.
    Count,
    /// 1 when there is any, else 0.
    Exists,
}

/// What is counted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// The thing itself.
    #[serde(rename = "type")]
    pub(crate) kind: Thing,
    /// Of messages: whose; everybody's when left out or empty.
    #[serde(default)]
    pub(crate) role: Role,
}

/// Things that a conversation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thing {
    /// Messages.
    Message,
    /// Tools that the client offers.
    ToolDefinition,
    /// Calls of tools that the model made.
    AssistantToolCall,
    /// Calls that have been answered: results of tools.
    AssistantToolCycle,
    /// A tool at work now: 1 or 0.
    ActiveToolLoop,
    /// Images.
    ImageContent,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Anybody.
    #[default]
    #[serde(rename = "")]
    Any,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The system prompt.
    System,
    /// The developer's prompt.
    Developer,
    /// A tool's result.
    Tool,
    /// Anybody but the user.
    NonUser,
}
