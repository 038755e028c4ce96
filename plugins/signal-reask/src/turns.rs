//! The user's turns of a conversation. Needs no host.

use trackside_sdk::current::ChatMessage;

/// What the user said, the latest first. The conversation is read only as far back as turns are asked for.
pub(crate) fn newest_first(count: u32, message: impl Fn(u32) -> Option<ChatMessage>) -> impl Iterator<Item = String> {
    let messages = (0..count).rev().filter_map(message);
    messages.filter(|message| message.role == "user").map(|message| message.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(conversation: &[(&str, &str)]) -> Vec<String> {
        let message = |index: u32| {
            let (role, text) = *conversation.get(usize::try_from(index).ok()?)?;
            Some(ChatMessage { role: role.to_owned(), text: text.to_owned() })
        };
        newest_first(u32::try_from(conversation.len()).unwrap(), message).collect()
    }

    #[test]
    fn only_the_user_counts() {
        let conversation = [
            ("system", "be brief"),
            ("user", "first"),
            ("assistant", "answer"),
            ("user", " "),
            ("tool", "result"),
            ("user", "second"),
            ("assistant", "answer"),
        ];
        assert_eq!(turns(&conversation), ["second", " ", "first"]);
        assert!(turns(&[]).is_empty());
    }
}
