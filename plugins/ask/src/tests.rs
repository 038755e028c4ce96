use std::cell::Cell;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::human::{Human, newest_first};
use trackside_sdk::Component;
use trackside_sdk::current::ChatMessage;

/// One line of `cases/ask.json`: the user's messages in order, and what the human asks; nothing when it is the latest
/// message as it is, or when no human is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    settings: Value,
    user: Vec<String>,
    ask: Option<String>,
}

fn configure(settings: &Value) -> Result<Human, trackside_sdk::Failure> {
    let settings = if settings.is_null() { json!({}) } else { settings.clone() };
    Human::configure(serde_json::from_value(settings).unwrap())
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/ask.json")).unwrap();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for Case { name, settings, user, ask } in cases {
        let latest = user.last().cloned().unwrap_or_default();
        let found = configure(&settings).unwrap().ask(&latest, || user.into_iter().rev());
        assert_eq!(found, ask, "{name}");
    }
}

#[test]
fn texts_that_would_be_found_everywhere_are_refused() {
    for settings in [
        json!({"wrappers": [{"begin": "", "end": "x"}]}),
        json!({"wrappers": [{"begin": "x", "end": " "}]}),
        json!({"machine": [""]}),
    ] {
        let failure = configure(&settings).unwrap_err();
        assert!(failure.message.ends_with("are texts that are not blank"), "{settings} {failure:?}");
    }
    let refused = serde_json::from_value::<crate::Settings>(json!({"presets": ["emacs"]})).unwrap_err().to_string();
    assert!(refused.contains("expected one of `aider`, `claude-code`"), "{refused}");
}

#[test]
fn only_so_much_is_read() {
    let human = configure(&Value::Null).unwrap();
    let read = Cell::new(0);
    let endless = || std::iter::repeat_with(|| "continue".to_owned()).inspect(|_| read.set(read.get() + 1));
    assert_eq!(human.ask("continue", endless), None);
    assert_eq!(read.get(), 64);
    let large = || ["continue".to_owned(), "x".repeat(2 << 20)].into_iter();
    assert_eq!(human.ask("continue", large), None);
}

#[test]
fn the_users_messages_are_read_from_the_end() {
    let conversation = [("user", "first"), ("assistant", "a"), ("tool", "t"), ("user", "second")];
    let message = |index: u32| {
        let (role, text) = *conversation.get(usize::try_from(index).ok()?)?;
        Some(ChatMessage { role: role.to_owned(), text: text.to_owned() })
    };
    assert_eq!(newest_first(4, message).collect::<Vec<_>>(), ["second", "first"]);
}
