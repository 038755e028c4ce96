//! What decides is what the human wrote, whatever a coding agent wraps around it.

use crate::explained;
use serde_json::{Value, json};

const SIGNALS: &str = "
version: v0.3
providers:
  defaults: {default_model: base}
  models: [{name: base, backend_refs: [{endpoint: 'base:8000'}]}]
routing:
  signals:
    keywords:
      - {name: math, operator: OR, keywords: [prove, theorem, integral]}
      - {name: poem, operator: OR, keywords: [poem, haiku]}
  decisions:
    - {name: maths, priority: 10, rules: {type: keyword, name: math}}
    - {name: poems, priority: 5, rules: {type: keyword, name: poem}}
";

fn decision(config: &str, user: &[&str]) -> Option<String> {
    let answer = json!({"role": "assistant", "content": "Let me prove the theorem."});
    let tool = json!({"role": "tool", "tool_call_id": "1", "content": "integral"});
    let mut messages: Vec<Value> = Vec::new();
    for text in user {
        messages.extend([json!({"role": "user", "content": text}), answer.clone(), tool.clone()]);
    }
    let body = json!({"model": "auto", "messages": messages});
    let explained = explained(config, &body);
    assert_eq!(explained["record"]["degraded"], json!([]), "{user:?}");
    assert_eq!(explained["body"]["messages"], body["messages"], "what is sent on stays as it is");
    explained["record"]["decision"].as_str().map(str::to_owned)
}

#[test]
fn wrapping_does_not_decide() {
    let reminder = "<system-reminder>Never prove a theorem without a test.</system-reminder>";
    let wrapped = format!("Write a poem\n{reminder}");
    let rows: [(&[&str], &str); 7] = [
        (&[&wrapped], "poems"),
        (&["Write a poem", reminder], "poems"),
        (&["Write a poem", "continue"], "poems"),
        (
            &[
                "Write a poem",
                "This session is being continued from a previous conversation. Summary: prove the theorem",
            ],
            "poems",
        ),
        (&["<task>Write a poem</task><environment_details>theorem.tex</environment_details>"], "poems"),
        (&["Write a poem", "<user_query>Prove the theorem</user_query>"], "maths"),
        (
            &["Write a poem", "<environment_context><cwd>haiku</cwd></environment_context>\nCompute the integral"],
            "maths",
        ),
    ];
    for (user, expected) in rows {
        assert_eq!(decision(SIGNALS, user).as_deref(), Some(expected), "{user:?}");
    }
}

#[test]
fn the_configuration_tells_what_else_is_wrapping() {
    let set = |configuration: &str| {
        format!("{SIGNALS}components: {{use: [{{type: ask, configuration: {configuration}}}]}}\n")
    };
    let user = ["Write a poem [[theorem]]"];
    assert_eq!(decision(SIGNALS, &user).as_deref(), Some("maths"));
    let own = set("{wrappers: [{begin: '[[', end: ']]'}]}");
    assert_eq!(decision(&own, &user).as_deref(), Some("poems"));
    let user = ["Write a poem <system-reminder>prove</system-reminder>"];
    assert_eq!(decision(&set("{presets: []}"), &user).as_deref(), Some("maths"));
}

#[test]
fn settings_that_make_no_sense_are_told_with_their_place() {
    let config = format!("{SIGNALS}components: {{use: [{{type: ask, configuration: {{presets: [emacs]}}}}]}}\n");
    let problems = crate::refused(&config);
    assert!(problems.contains("components.use") || problems.contains("presets"), "{problems}");
    assert!(problems.contains("emacs"), "{problems}");
}
