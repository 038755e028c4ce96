//! Taking calls of tools and their results out of a conversation. Needs no host.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

/// The messages, as JSON text, without results of tools and without calls; a message that was nothing but calls goes.
/// Messages that have neither stay letter by letter. Nothing when all do.
pub(crate) fn without_tools(messages: &str) -> Option<String> {
    let messages: Vec<&RawValue> = serde_json::from_str(messages).ok()?;
    let mut changed = false;
    let mut kept: Vec<Cow<'_, str>> = Vec::with_capacity(messages.len());
    for message in messages {
        match without_calls(message.get()) {
            Message::AsItIs => kept.push(message.get().into()),
            Message::Without(rest) => {
                changed = true;
                kept.extend(rest.map(Cow::Owned));
            }
        }
    }
    changed.then(|| format!("[{}]", kept.join(",")))
}

/// What becomes of a message.
enum Message {
    AsItIs,
    /// What is left of it, if anything is.
    Without(Option<String>),
}

fn without_calls(message: &str) -> Message {
    let Ok(mut message) = serde_json::from_str::<Value>(message) else { return Message::AsItIs };
    let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
    if matches!(role, "tool" | "function") {
        return Message::Without(None);
    }
    let Some(members) = message.as_object_mut() else { return Message::AsItIs };
    let calls = ["tool_calls", "function_call"].map(|key| members.remove(key));
    if calls.iter().all(Option::is_none) {
        return Message::AsItIs;
    }
    let empty = match members.get("content") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(parts)) => parts.is_empty(),
        Some(_) => false,
    };
    Message::Without((!empty).then(|| message.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_and_results_go_and_words_stay() {
        let [user, call, spoken, result, answer] = [
            json!({"role": "user", "content": "u"}),
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}),
            json!({"role": "assistant", "content": "let me see", "tool_calls": [{"id": "1"}]}),
            json!({"role": "tool", "content": "r", "tool_call_id": "1"}),
            json!({"role": "assistant", "content": "a"}),
        ];
        let said = json!({"role": "assistant", "content": "let me see"});
        for (messages, expected) in [
            (vec![&user, &answer], None),
            (vec![&user, &call, &result, &answer], Some(vec![&user, &answer])),
            (vec![&user, &spoken, &result], Some(vec![&user, &said])),
            (vec![&user, &call], Some(vec![&user])),
        ] {
            let found =
                without_tools(&json!(messages).to_string()).map(|text| serde_json::from_str::<Value>(&text).unwrap());
            assert_eq!(found, expected.map(|expected| json!(expected)), "{messages:?}");
        }
        assert_eq!(without_tools("{"), None);
    }
}
