use serde::Deserialize;
use serde_json::{Value, json};
use trackside_sdk::Component;
use trackside_sdk::current::ConversationFacts;

use crate::{Conversation, Rule};

/// What the cases count: two users, three assistants, and so on.
fn facts() -> ConversationFacts {
    ConversationFacts {
        text_bytes: 0,
        structured_bytes: 0,
        user_messages: 2,
        assistant_messages: 3,
        system_messages: 1,
        developer_messages: 1,
        tool_messages: 4,
        other_messages: 1,
        tool_definitions: 5,
        tool_calls: 6,
        images: 0,
        in_tool_loop: true,
        extra: Vec::new(),
    }
}

/// One line of `cases/conversation.json`: a rule, and its value when it holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    feature: Value,
    predicate: Option<Value>,
    value: Option<f64>,
}

#[test]
fn cases() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/conversation.json")).unwrap();
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for Case { name, feature, predicate, value } in cases {
        let rules = json!({"rules": [{"name": "r", "feature": feature, "predicate": predicate}]});
        let found = Conversation::configure(serde_json::from_value(rules).unwrap()).unwrap().judge(&facts());
        assert_eq!(found.first().and_then(|found| found.value), value, "{name}");
        assert!(found.iter().all(|found| found.rule == "r" && found.confidence == 1.0), "{name}");
    }
}

#[test]
fn words_that_are_not_known_are_refused() {
    for (rule, expected) in [
        (json!({"name": "r"}), "missing field `feature`"),
        (json!({"name": "r", "feature": {"type": "sum", "source": {"type": "message"}}}), "unknown variant `sum`"),
        (json!({"name": "r", "feature": {"type": "count", "source": {"type": "letter"}}}), "unknown variant `letter`"),
        (
            json!({"name": "r", "feature": {"type": "count", "source": {"type": "message", "role": "users"}}}),
            "unknown variant `users`",
        ),
        (
            json!({"name": "r", "feature": {"type": "count", "source": {"type": "message"}}, "predicate": {"eq": 1}}),
            "unknown field `eq`",
        ),
    ] {
        let refused = serde_json::from_value::<Rule>(rule).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
