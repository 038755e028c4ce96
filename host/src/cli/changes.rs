//! What a rewritten body has that the client's had not.

use serde_json::{Map, Value};

/// The differences that people ask about.
#[derive(Debug, PartialEq)]
pub(super) struct Changes {
    /// The system prompt.
    pub(super) system_prompt: Prompt,
    /// Every other top-level field that changed: its name, and what it is now (`None`: removed).
    pub(super) fields: Vec<(String, Option<Value>)>,
}

/// What became of the system prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// There is none.
    None,
    /// The client's own.
    Kept,
    /// There was none.
    Added,
    /// Another than the client's.
    Changed,
}

impl Prompt {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Prompt::None => "none",
            Prompt::Kept => "kept",
            Prompt::Added => "added",
            Prompt::Changed => "changed",
        }
    }
}

impl Changes {
    /// Compares two bodies; what is no JSON object counts as an empty one.
    pub(super) fn between(before: &[u8], after: &[u8]) -> Self {
        let object = |body| serde_json::from_slice::<Map<String, Value>>(body).unwrap_or_default();
        let (before, after) = (object(before), object(after));
        let named = |name: &&String| !matches!(name.as_str(), "messages" | "model");
        let set = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
        let set = set.map(|(name, value)| (name.clone(), Some(value.clone())));
        let removed = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), None));
        Self {
            system_prompt: prompt(system_text(&before), system_text(&after)),
            fields: set.chain(removed).filter(|(name, _)| named(&name)).collect(),
        }
    }
}

fn prompt(before: Option<&Value>, after: Option<&Value>) -> Prompt {
    match (before, after) {
        (_, None) => Prompt::None,
        (None, Some(_)) => Prompt::Added,
        (Some(before), Some(after)) if before == after => Prompt::Kept,
        (Some(_), Some(_)) => Prompt::Changed,
    }
}

fn system_text(body: &Map<String, Value>) -> Option<&Value> {
    let messages = body.get("messages")?.as_array()?;
    let system = messages.iter().find(|message| message["role"] == "system" || message["role"] == "developer")?;
    system.get("content")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_and_the_system_prompt_are_told_apart_from_the_rest() {
        let before = br#"{"model":"auto","messages":[{"role":"user","content":"x"}],"n":1,"stop":"."}"#;
        let after = br#"{"model":"m","messages":[{"role":"system","content":"p"},{"role":"user","content":"x"}],
            "n":1,"chat_template_kwargs":{"enable_thinking":true}}"#;
        let changes = Changes::between(before, after);
        assert_eq!(changes.system_prompt, Prompt::Added);
        let kwargs = ("chat_template_kwargs".to_owned(), Some(json!({"enable_thinking": true})));
        assert_eq!(changes.fields, [kwargs, ("stop".to_owned(), None)]);
    }

    #[test]
    fn a_system_prompt_is_kept_or_changed() {
        let with = |text: &str| json!({ "messages": [{ "role": "system", "content": text }] }).to_string();
        let became = |text: &str| Changes::between(with("a").as_bytes(), with(text).as_bytes()).system_prompt;
        assert_eq!((became("a"), became("b")), (Prompt::Kept, Prompt::Changed));
        assert_eq!(Changes::between(b"{}", b"no JSON").system_prompt, Prompt::None);
    }
}
