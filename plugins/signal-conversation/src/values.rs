//! From what a conversation is made of to the rules that hold. Needs no host.

use trackside_sdk::current::ConversationFacts;
use trackside_sdk::{Match, matched};

use crate::settings::{Kind, Role, Rule, Thing};

impl Rule {
    pub(crate) fn judge(&self, facts: &ConversationFacts) -> Option<Match> {
        let count = self.count(facts);
        let (value, holds) = match self.feature.kind {
            Kind::Exists => (f64::from(u8::from(count > 0)), count > 0),
            Kind::Count => (count as f64, self.predicate.is_none_or(|predicate| predicate.holds(count as f64))),
        };
        holds.then(|| Match { value: Some(value), ..matched(&self.name, 1.0, count.to_string()) })
    }

    fn count(&self, facts: &ConversationFacts) -> u64 {
        match self.feature.source.kind {
            Thing::Message => messages(self.feature.source.role, facts),
            Thing::ToolDefinition => facts.tool_definitions.into(),
            Thing::AssistantToolCall => facts.tool_calls.into(),
            Thing::AssistantToolCycle => facts.tool_messages.into(),
            Thing::ActiveToolLoop => facts.in_tool_loop.into(),
            Thing::ImageContent => facts.images.into(),
        }
    }
}

fn messages(role: Role, facts: &ConversationFacts) -> u64 {
    let [user, assistant, system, developer, tool, other] = [
        facts.user_messages,
        facts.assistant_messages,
        facts.system_messages,
        facts.developer_messages,
        facts.tool_messages,
        facts.other_messages,
    ]
    .map(u64::from);
    let non_user = assistant + system + developer + tool + other;
    match role {
        Role::Any => user + non_user,
        Role::User => user,
        Role::Assistant => assistant,
        Role::System => system,
        Role::Developer => developer,
        Role::Tool => tool,
        Role::NonUser => non_user,
    }
}
