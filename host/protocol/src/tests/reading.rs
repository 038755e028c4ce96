//! What is read of a good body.

use super::parsed;
use crate::{Endpoint, Message};

#[test]
fn a_post_that_ends_in_chat_completions_is_one() {
    use Endpoint::{ChatCompletions, Other};
    for (method, path, expected) in [
        ("POST", "/v1/chat/completions", ChatCompletions),
        ("POST", "/v1/chat/completions?api-version=2024-06-01", ChatCompletions),
        ("POST", "/openai/v1/chat/completions", ChatCompletions),
        ("POST", "/openai/deployments/gpt/chat/completions?x=/y", ChatCompletions),
        ("POST", "/chat/completions", ChatCompletions),
        ("GET", "/v1/chat/completions", Other),
        ("OPTIONS", "/v1/chat/completions", Other),
        ("post", "/v1/chat/completions", Other),
        ("POST", "/v1/completions", Other),
        ("POST", "/v1/embeddings", Other),
        ("POST", "/v1/chat/completions/x", Other),
        ("POST", "/upload?to=/v1/chat/completions", Other),
        ("POST", "/v1/xchat/completions", Other),
        ("POST", "", Other),
    ] {
        assert_eq!(Endpoint::of(method, path), expected, "{method} {path}");
    }
}

#[test]
fn model_and_stream_are_read_unescaped_and_the_last_one_counts() {
    for (body, model, streaming) in [
        (r#"{"model":"m","messages":[]}"#, "m", false),
        (r#"{"messages":[],"stream":true,"model":"qwen\u0033\/8b"}"#, "qwen3/8b", true),
        (r#" { "mod\u0065l" : "é\ud83d\ude00" , "messages" : [ ] , "stream" : null } "#, "é😀", false),
        (r#"{"model":"a","messages":[],"stream":true,"model":"b","stream":false}"#, "b", false),
        ("{\"model\":\"m\",\"messages\":[],\"stream\":true}\n", "m", true),
        (r#"{"model":"a\ud800b","messages":[]}"#, "a\u{fffd}b", false),
        (r#"{"model":"\ud800\u0041\udc00\ud83d","messages":[]}"#, "\u{fffd}A\u{fffd}\u{fffd}", false),
        (r#"{"model":"\"\\\/\b\f\n\r\t","messages":[]}"#, "\"\\/\u{8}\u{c}\n\r\t", false),
    ] {
        let request = parsed(body);
        assert_eq!((request.model(), request.streaming()), (model, streaming), "{body}");
        assert_eq!(request.body(), body.as_bytes());
    }
}

#[test]
fn messages_are_read_whatever_form_their_content_has() {
    for (message, role, text) in [
        (r#"{"role":"user","content":"hi\n\"you\""}"#, "user", "hi\n\"you\""),
        (r#"{"content":"first","x":[1,{}],"role":"tool"}"#, "tool", "first"),
        (r#"{"role":"assistant","content":null,"tool_calls":[]}"#, "assistant", ""),
        (r#"{"role":"assistant"}"#, "assistant", ""),
        (r#"{"role":"user","content":[]}"#, "user", ""),
        (
            r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}},{"text":"b","type":"text"}]}"#,
            "user",
            "a b",
        ),
        (
            r#"{"role":"user","content":["plain",{"type":"input_text","text":"typed"},7,null,{"text":5}]}"#,
            "user",
            "plain typed",
        ),
        (r#"{"role":"us\u0065r","content":"a","content":"b"}"#, "user", "b"),
    ] {
        let request = parsed(&format!(r#"{{"model":"m","messages":[{message}]}}"#));
        assert_eq!(request.message(0), Some(Message { role: role.into(), text: text.into() }), "{message}");
        assert_eq!((request.message_count(), request.message(1)), (1, None));
    }
}

#[test]
fn the_ask_is_the_latest_user_text_or_else_all_other_texts() {
    let turn = |role: &str, text: &str| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
    for (turns, ask) in [
        (
            vec![
                turn("system", "s"),
                turn("user", "u1"),
                turn("assistant", "a"),
                turn("user", "u2"),
                turn("tool", "t"),
            ],
            "u2",
        ),
        (vec![turn("system", "s"), turn("user", "u1"), turn("user", "")], "s"),
        (vec![turn("system", "s"), turn("assistant", ""), turn("assistant", "a")], "s\na"),
        (
            vec![r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#.to_owned()],
            "a b",
        ),
        (
            vec![r#"{"role":"user","content":[{"type":"image_url","image_url":{}}]}"#.to_owned(), turn("system", "s")],
            "s",
        ),
        (vec![], ""),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, turns.join(","));
        assert_eq!(parsed(&body).ask(), ask, "{body}");
    }
}

#[test]
fn tools_are_named_by_function_or_by_themselves() {
    let function = r#"{"type":"function","function":{"parameters":{"name":"no"},"name":"weather"}}"#;
    let body =
        format!(r#"{{"model":"m","messages":[],"tools":[{function}, {{"name":"flat"}},{{"type":"web_search"}},3]}}"#);
    let request = parsed(&body);
    let tools: Vec<_> = request.tools().collect();
    let names: Vec<Option<&str>> = tools.iter().map(|tool| tool.name.as_deref()).collect();
    assert_eq!(names, [Some("weather"), Some("flat"), None, None]);
    assert_eq!(tools[0].json, function);
    assert!(parsed(r#"{"model":"m","messages":[],"tools":{"a":1}}"#).tools().next().is_none());
    assert!(parsed(r#"{"model":"m","messages":[]}"#).tools().next().is_none());
}

#[test]
fn a_field_is_its_json_text() {
    let body =
        r#"{"model":"m","messages":[],"a":{"b":1.0,"c":{"d":[1, 2]}},"n":-0.0,"a":{"b":1E+2,"\u0062b":"\u00e9"}}"#;
    let request = parsed(body);
    for (path, json) in [
        (vec!["n"], Some("-0.0")),
        (vec!["a", "b"], Some("1E+2")),
        (vec!["a", "bb"], Some(r#""\u00e9""#)),
        (vec!["a", "c", "d"], None),
        (vec!["n", "x"], None),
        (vec!["messages", "0"], None),
        (vec!["z"], None),
        (vec!["messages"], Some("[]")),
        (vec![], Some(body)),
    ] {
        assert_eq!(request.field(&path), json, "{path:?}");
    }
}

#[test]
fn requests_are_shared_between_threads_and_say_nothing_of_the_prompt() {
    fn shareable<T: Send + Sync + 'static>(_: &T) {}
    let request = parsed(r#"{"model":"m","messages":[{"role":"user","content":"secret"}]}"#);
    shareable(&request);
    shareable(&request.edit());
    assert!(!format!("{request:?}").contains("secret"));
    assert_eq!(request.clone().body().as_ptr(), request.body().as_ptr());
}
