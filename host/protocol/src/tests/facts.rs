//! What a conversation is made of.

use super::parsed;
use crate::{Facts, Messages};

#[test]
fn everything_that_a_model_reads_is_counted() {
    let tools = r#"[{"type":"function","function":{"name":"now"}}, {"type":"function","function":{"name":"then"}}]"#;
    let calls = r#"[{"id":"1","function":{"name":"now","arguments":"{}"}}]"#;
    let body = format!(
        r#"{{"model":"m","tools": {tools},"tool_choice":"auto","response_format":{{"type":"text"}},"messages":[
            {{"role":"system","content":"Be brief"}},
            {{"role":"developer","content":"é\n"}},
            {{"role":"user","content":[{{"type":"text","text":"what"}},{{"type":"image_url","image_url":{{"url":"x"}}}},
                {{"type":"input_image"}},{{"type":"input_audio"}}]}},
            {{"role":"assistant","content":null,"tool_calls":{calls}}},
            {{"role":"tool","content":"12"}},
            {{"role":"narrator","content":"."}}]}}"#
    );
    let facts = parsed(&body).facts();
    let expected = Facts {
        text_bytes: "Be brief".len() + "é\n".len() + "what".len() + 2 + 1,
        structured_bytes: tools.len() + r#""auto""#.len() + r#"{"type":"text"}"#.len() + calls.len(),
        messages: Messages { user: 1, assistant: 1, system: 1, developer: 1, tool: 1, other: 1 },
        tool_definitions: 2,
        tool_calls: 1,
        images: 2,
        in_tool_loop: false,
    };
    assert_eq!(facts, expected);
}

#[test]
fn a_tool_loop_ends_when_somebody_else_speaks() {
    let [user, calls, result, answer] = [
        r#"{"role":"user","content":"u"}"#,
        r#"{"role":"assistant","tool_calls":[{"id":"1"}]}"#,
        r#"{"role":"tool","content":"r"}"#,
        r#"{"role":"assistant","content":"a","tool_calls":[]}"#,
    ];
    for (messages, expected) in [
        (&[][..], false),
        (&[user][..], false),
        (&[user, calls], true),
        (&[user, calls, result], true),
        (&[user, calls, result, user], true),
        (&[user, calls, result, answer], false),
        (&[user, calls, result, answer, user], false),
        (&[r#"{"role":"user","content":"u","tool_calls":[{}]}"#], false),
        (&[r#"{"role":"function","content":"r"}"#], true),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, messages.join(","));
        assert_eq!(parsed(&body).facts().in_tool_loop, expected, "{body}");
    }
}

#[test]
fn what_is_not_there_counts_nothing() {
    let facts = parsed(r#"{"model":"m","messages":[{"role":"user"}],"tools":null}"#).facts();
    let messages = Messages { user: 1, ..Messages::default() };
    assert_eq!(facts, Facts { messages, ..Facts::default() });
}
