//! What is said about a bad body.

use crate::{ChatRequest, Fault, MAX_DEPTH, openai_error};
use bytes::Bytes;
use serde_json::{Value, json};

#[test]
fn a_fault_names_the_field_and_what_was_expected() {
    use Fault::{InvalidJson, InvalidValue, Missing, WrongType};
    for (body, fault, param, offset, message) in [
        ("", InvalidJson, None, Some(0), "the body is empty, expected a JSON object"),
        (" \n", InvalidJson, None, Some(0), "the body is empty, expected a JSON object"),
        ("[]", InvalidJson, None, Some(0), "the body must be a JSON object, not an array"),
        ("null", InvalidJson, None, Some(0), "the body must be a JSON object, not null"),
        ("\u{feff}{}", InvalidJson, None, Some(0), "the body must be a JSON object"),
        ("a=b&c=d", InvalidJson, None, Some(0), "the body must be a JSON object"),
        ("{}", Missing, Some("model"), None, "`model` is required"),
        (r#"{"model":"m"}"#, Missing, Some("messages"), None, "`messages` is required"),
        (r#"{"model":7,"messages":[]}"#, WrongType, Some("model"), Some(9), "`model` must be a string, not a number"),
        (r#"{"model":null}"#, WrongType, Some("model"), Some(9), "`model` must be a string, not null"),
        (r#"{"model":"","messages":[]}"#, InvalidValue, Some("model"), Some(9), "`model` must not be empty"),
        (
            r#"{"model":7,"model":"m","messages":[]}"#,
            WrongType,
            Some("model"),
            Some(9),
            "`model` must be a string, not a number",
        ),
        (
            r#"{"model":"m","messages":{}}"#,
            WrongType,
            Some("messages"),
            Some(24),
            "`messages` must be an array, not an object",
        ),
        (
            r#"{"messages":["hi"]}"#,
            WrongType,
            Some("messages[0]"),
            Some(13),
            "`messages[0]` must be an object, not a string",
        ),
        (
            r#"{"messages":[{"role":"user"},{"content":"x"}]}"#,
            Missing,
            Some("messages[1].role"),
            None,
            "`messages[1].role` is required",
        ),
        (
            r#"{"messages":[{"role":1}]}"#,
            WrongType,
            Some("messages[0].role"),
            Some(21),
            "`messages[0].role` must be a string, not a number",
        ),
        (
            r#"{"messages":[{"role":"user","content":{}}]}"#,
            WrongType,
            Some("messages[0].content"),
            Some(38),
            "`messages[0].content` must be a string, an array or null, not an object",
        ),
        (r#"{"stream":"true"}"#, WrongType, Some("stream"), Some(10), "`stream` must be a boolean, not a string"),
    ] {
        let error = ChatRequest::parse(Bytes::from(body)).unwrap_err();
        assert_eq!((error.fault, error.param.as_deref(), error.offset), (fault, param, offset), "{body}");
        assert_eq!(error.message, message, "{body}");
        let answer: Value = serde_json::from_str(&error.openai_json()).unwrap();
        let expected =
            json!({"type": "invalid_request_error", "message": message, "param": param, "code": fault.code()});
        assert_eq!(answer, json!({ "error": expected }), "{body}");
    }
}

/// Puts bytes where a field's value stands in an otherwise good body, and gives what is said about the JSON.
fn complaint(value: &[u8]) -> Option<String> {
    let body = [br#"{"model":"m","messages":[],"x":"#, value, b"}"].concat();
    let error = ChatRequest::parse(Bytes::from(body)).err()?;
    assert_eq!((error.fault, error.param.as_deref()), (Fault::InvalidJson, None));
    Some(error.message.strip_prefix("the body is not valid JSON: ").unwrap().to_owned())
}

#[test]
fn json_is_read_strictly() {
    for (value, expected) in [
        (&b"NaN"[..], "expected a value at byte 31"),
        (b"Infinity", "expected a value at byte 31"),
        (b"nul", "expected a value at byte 31"),
        (b"truE", "expected a value at byte 31"),
        (b"", "expected a value at byte 31"),
        (b"'a'", "expected a value at byte 31"),
        (b"01", "invalid number at byte 33"),
        (b"-", "invalid number at byte 32"),
        (b"+1", "expected a value at byte 31"),
        (b"1.", "invalid number at byte 33"),
        (b".5", "expected a value at byte 31"),
        (b"1e", "invalid number at byte 33"),
        (b"1e+", "invalid number at byte 34"),
        (b"0x1", "expected `,` or `}` at byte 32"),
        (b"1 2", "expected `,` or `}` at byte 33"),
        (b"[1,]", "expected a value at byte 34"),
        (b"[1 2]", "expected `,` or `]` at byte 34"),
        (b"{\"a\"}", "expected `:` at byte 35"),
        (b"{\"a\":1,}", "expected a field name in double quotes at byte 38"),
        (b"{a:1}", "expected a field name in double quotes at byte 32"),
        (b"\"a\nb\"", "unescaped control character in a string at byte 33"),
        (b"\"a\0b\"", "unescaped control character in a string at byte 33"),
        (b"\"twelve bytes\x1f\"", "unescaped control character in a string at byte 44"),
        (b"\"\\x\"", "invalid escape at byte 32"),
        (b"\"\\u12g4\"", "invalid escape at byte 32"),
        (b"\"\xff\"", "invalid UTF-8 at byte 32"),
        (b"\"long enough \xc0\xaf\"", "invalid UTF-8 at byte 44"),
        (b"\"\xed\xa0\x80\"", "invalid UTF-8 at byte 32"),
        (b"\"cut \xe2\x82\"", "invalid UTF-8 at byte 36"),
        (b"\xc3\xa9", "expected a value at byte 31"),
        (b"\"open", "unexpected end at byte 37"),
        (b"[1", "expected `,` or `]` at byte 33"),
        (b"1}{", "unexpected text behind the value at byte 33"),
    ] {
        assert_eq!(complaint(value).as_deref(), Some(expected), "{}", value.escape_ascii());
    }
    for value in
        [&b"0"[..], b"-0.0", b"1E+2", b"1e400", b"\"\\ud800\"", b"\"\\u0000\"", b"\"\x7f\"", b" [ ] ", b"{\"\":{}}"]
    {
        assert_eq!(complaint(value), None, "{}", value.escape_ascii());
    }
}

#[test]
fn a_body_cut_anywhere_is_refused() {
    let body = br#"{"model":"m\u00e9","messages":[{"role":"user","content":["a",{"text":"\ud83d\ude00"}]}],"n":-1.5e+3,"t":true} "#;
    assert!(ChatRequest::parse(Bytes::from_static(body)).is_ok());
    for length in 0..body.len() - 1 {
        let error = ChatRequest::parse(Bytes::copy_from_slice(&body[..length])).unwrap_err();
        assert_eq!(error.fault, Fault::InvalidJson, "{length}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    // The body's own object is one level.
    assert_eq!(complaint(&nested(MAX_DEPTH - 1)), None);
    assert_eq!(complaint(&nested(MAX_DEPTH)).unwrap(), "nesting deeper than 128 at byte 158");
    assert_eq!(complaint(&b"[".repeat(1 << 20)).unwrap(), "nesting deeper than 128 at byte 158");
    assert_eq!(complaint(&br#"{"a":"#.repeat(1 << 18)).unwrap(), "nesting deeper than 128 at byte 666");
}

#[test]
fn an_error_body_has_the_openai_shape_and_order() {
    let body = openai_error("server_error", "say \"what\"", None, Some("overloaded"));
    assert_eq!(body, r#"{"error":{"message":"say \"what\"","type":"server_error","param":null,"code":"overloaded"}}"#);
}
