use serde_json::{Map, Value, json};
use trackside_sdk::{Edit, Route};

use super::edits;
use crate::settings::Settings;

fn settings() -> Settings {
    let settings: Settings = serde_json::from_value(json!({
        "default_effort": "high",
        "families": {
            "qwen3": {"type": "chat_template_kwargs", "parameter": "enable_thinking"},
            "deepseek": {"type": "chat_template_kwargs", "parameter": "thinking"},
            "gpt-oss": {"type": "reasoning_effort", "parameter": "reasoning_effort"},
            "dotted": {"type": "reasoning_effort", "parameter": "reasoning.effort"},
            "mistral": {"type": "top_level_reasoning_effort", "parameter": "reasoning_effort"},
        },
        "models": {
            "qwen3-8b": {"family": "qwen3", "provider": "vllm", "host": "qwen3-8b.default.svc.cluster.local:8000"},
            "qwen-openai": {"family": "qwen3", "provider": "openai", "host": "api.openai.com"},
            "deepseek-vllm": {"family": "deepseek", "host": "10.0.0.7:8000"},
            "gpt-oss-vllm": {"family": "gpt-oss", "provider": "vllm", "host": "gpt-oss"},
            "gpt-oss-lookalike": {"family": "gpt-oss", "provider": "openai", "host": "notopenai.com"},
            "gpt-oss-other-provider": {"family": "gpt-oss", "provider": "vllm", "host": "api.openai.com"},
            "gpt-openai": {"family": "gpt-oss", "provider": "openai", "host": "API.openai.com:443"},
            "gpt-openrouter": {"family": "gpt-oss", "provider": "openai", "host": "openrouter.ai"},
            "gpt-deepseek-host": {"family": "gpt-oss", "provider": "openai", "host": "beta.deepseek.com"},
            "dotted-openrouter": {"family": "dotted", "provider": "openai", "host": "openrouter.ai"},
            "dotted-vllm": {"family": "dotted", "provider": "vllm", "host": "a"},
            "mistral-vllm": {"family": "mistral", "provider": "vllm", "host": "a"},
            "mistral-openai": {"family": "mistral", "provider": "openai", "host": "api.openai.com"},
            "ds-kwargs": {"family": "deepseek", "provider": "openai", "host": "api.deepseek.com"},
            "ds-effort": {"family": "gpt-oss", "provider": "openai", "host": "api.deepseek.com:443"},
            "ds-top": {"family": "mistral", "host": "api.deepseek.com"},
            "plain": {"provider": "vllm", "host": "a"},
        },
    }))
    .unwrap();
    settings.check().unwrap();
    settings
}

fn route(model: &str, use_reasoning: bool, effort: Option<&str>) -> Route {
    Route {
        decision: "d".into(),
        model: model.into(),
        adapter: Some("math-expert".into()),
        use_reasoning,
        reasoning_effort: effort.map(str::to_owned),
        extra: Vec::new(),
    }
}

/// What the host makes of the edits.
fn routed(model: &str, use_reasoning: bool, effort: Option<&str>, client: &Value) -> Value {
    let field = |path: &[String]| at(client, path).map(Value::to_string);
    let mut body = client.clone();
    for edit in edits(&settings(), &route(model, use_reasoning, effort), &field) {
        match edit {
            Edit::SetField(set) => put(&mut body, &set.path, serde_json::from_str(&set.json).unwrap()),
            Edit::RemoveField(path) => drop(take(&mut body, &path)),
            other => panic!("{other:?}"),
        }
    }
    body
}

fn at<'a>(body: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, key| value.get(key))
}

fn put(body: &mut Value, path: &[String], value: Value) {
    match path {
        [] => *body = value,
        [key, rest @ ..] => {
            if !body.is_object() {
                *body = Value::Object(Map::new());
            }
            put(&mut body[key], rest, value);
        }
    }
}

fn take(body: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(body, |value, key| value.get_mut(key))?;
    parent.as_object_mut()?.remove(last)
}

fn check(model: &str, use_reasoning: bool, table: &[(Option<&str>, Value, Value)]) {
    for (effort, client, expected) in table {
        let body = routed(model, use_reasoning, *effort, client);
        assert_eq!(&body, expected, "{model}, use_reasoning {use_reasoning}, effort {effort:?}, client {client}");
    }
}

const EFFORTS: [Option<&str>; 5] = [None, Some("minimal"), Some("low"), Some("medium"), Some("high")];

#[test]
fn a_template_flag_is_set_either_way_and_effort_plays_no_part() {
    for (model, flag) in
        [("qwen3-8b", "enable_thinking"), ("qwen-openai", "enable_thinking"), ("deepseek-vllm", "thinking")]
    {
        for on in [true, false] {
            for effort in EFFORTS {
                check(
                    model,
                    on,
                    &[
                        (effort, json!({}), json!({"chat_template_kwargs": {flag: on}})),
                        (effort, json!({"reasoning_effort": "low"}), json!({"chat_template_kwargs": {flag: on}})),
                        (
                            effort,
                            json!({"chat_template_kwargs": {"other": 1, flag: !on}}),
                            json!({"chat_template_kwargs": {"other": 1, flag: on}}),
                        ),
                    ],
                );
            }
        }
    }
}

#[test]
fn an_effort_is_a_template_argument_behind_a_template() {
    for model in ["gpt-oss-vllm", "gpt-oss-lookalike", "gpt-oss-other-provider"] {
        for effort in EFFORTS {
            let expected = json!({"chat_template_kwargs": {"reasoning_effort": effort.unwrap_or("high")}});
            check(
                model,
                true,
                &[
                    (effort, json!({}), expected.clone()),
                    (effort, json!({"reasoning_effort": "minimal"}), expected),
                    (
                        effort,
                        json!({"chat_template_kwargs": {"x": [1]}}),
                        json!({"chat_template_kwargs": {"x": [1], "reasoning_effort": effort.unwrap_or("high")}}),
                    ),
                ],
            );
            check(
                model,
                false,
                &[
                    (effort, json!({}), json!({"chat_template_kwargs": {"reasoning_effort": "low"}})),
                    (
                        effort,
                        json!({"reasoning_effort": "medium"}),
                        json!({"chat_template_kwargs": {"reasoning_effort": "medium"}}),
                    ),
                    (
                        effort,
                        json!({"reasoning_effort": {"a": 1}}),
                        json!({"chat_template_kwargs": {"reasoning_effort": "low"}}),
                    ),
                    (
                        effort,
                        json!({"reasoning_effort": null}),
                        json!({"chat_template_kwargs": {"reasoning_effort": "low"}}),
                    ),
                ],
            );
        }
    }
}

#[test]
fn an_effort_is_a_field_at_the_official_hosts() {
    for model in ["gpt-openai", "gpt-openrouter", "gpt-deepseek-host"] {
        for effort in EFFORTS {
            let expected = json!({"reasoning_effort": effort.unwrap_or("high")});
            check(
                model,
                true,
                &[(effort, json!({}), expected.clone()), (effort, json!({"reasoning_effort": "minimal"}), expected)],
            );
            check(
                model,
                false,
                &[
                    (effort, json!({}), json!({})),
                    (effort, json!({"reasoning_effort": "medium"}), json!({"reasoning_effort": "medium"})),
                ],
            );
        }
    }
}

#[test]
fn a_dotted_parameter_is_one_name() {
    check(
        "dotted-openrouter",
        true,
        &[
            (Some("low"), json!({"reasoning_effort": "high"}), json!({"reasoning.effort": "low"})),
            (None, json!({}), json!({"reasoning.effort": "high"})),
        ],
    );
    check(
        "dotted-openrouter",
        false,
        &[(None, json!({"reasoning_effort": "low"}), json!({"reasoning_effort": "low"}))],
    );
    check("dotted-vllm", true, &[(None, json!({}), json!({"chat_template_kwargs": {"reasoning.effort": "high"}}))]);
    check("dotted-vllm", false, &[(None, json!({}), json!({"chat_template_kwargs": {"reasoning.effort": "low"}}))]);
}

#[test]
fn a_top_level_effort_leaves_the_template_arguments() {
    for model in ["mistral-vllm", "mistral-openai"] {
        for effort in EFFORTS {
            let wanted = effort.unwrap_or("high");
            check(
                model,
                true,
                &[
                    (effort, json!({}), json!({"reasoning_effort": wanted})),
                    (effort, json!({"reasoning_effort": "none"}), json!({"reasoning_effort": wanted})),
                    (
                        effort,
                        json!({"chat_template_kwargs": {"reasoning_effort": "x", "y": 1}}),
                        json!({"chat_template_kwargs": {"y": 1}, "reasoning_effort": wanted}),
                    ),
                ],
            );
            check(
                model,
                false,
                &[
                    (effort, json!({}), json!({})),
                    (
                        effort,
                        json!({"reasoning_effort": "low", "chat_template_kwargs": {"reasoning_effort": "x", "y": 1}}),
                        json!({"reasoning_effort": "low", "chat_template_kwargs": {"y": 1}}),
                    ),
                ],
            );
        }
    }
}

#[test]
fn deepseeks_own_service_takes_thinking_and_no_template_arguments() {
    for model in ["ds-kwargs", "ds-effort", "ds-top"] {
        for effort in EFFORTS {
            let on = json!({"thinking": {"type": "enabled"}, "reasoning_effort": effort.unwrap_or("high")});
            let off = json!({"thinking": {"type": "disabled"}});
            let client =
                json!({"reasoning_effort": "low", "thinking": {"type": "auto"}, "chat_template_kwargs": {"a": 1}});
            check(model, true, &[(effort, json!({}), on.clone()), (effort, client.clone(), on)]);
            check(model, false, &[(effort, json!({}), off.clone()), (effort, client, off)]);
        }
    }
}

#[test]
fn without_a_family_the_effort_goes_and_nothing_comes() {
    for model in ["plain", "a model that is not listed"] {
        for on in [true, false] {
            for effort in EFFORTS {
                check(
                    model,
                    on,
                    &[
                        (
                            effort,
                            json!({"reasoning_effort": "low", "chat_template_kwargs": {"a": 1}}),
                            json!({"chat_template_kwargs": {"a": 1}}),
                        ),
                        (effort, json!({}), json!({})),
                    ],
                );
            }
        }
    }
}

#[test]
fn what_the_client_already_says_is_not_edited() {
    let client = json!({"chat_template_kwargs": {"enable_thinking": true}});
    let field = |path: &[String]| at(&client, path).map(Value::to_string);
    assert!(edits(&settings(), &route("qwen3-8b", true, None), &field).is_empty());
}

#[test]
fn the_effort_falls_back_to_the_default_and_then_to_medium() {
    let settings: Settings = serde_json::from_value(json!({
        "families": {"f": {"type": "top_level_reasoning_effort", "parameter": "reasoning_effort"}},
        "models": {"m": {"family": "f"}},
    }))
    .unwrap();
    let edits = edits(&settings, &route("m", true, None), &|_| None);
    assert!(matches!(&edits[..], [Edit::SetField(set)] if set.json == r#""medium""#), "{edits:?}");
}

#[test]
fn settings_that_can_never_work_are_refused() {
    let table = [
        (
            json!({"families": {"f": {"type": "top_level_reasoning_effort", "parameter": "effort"}}}),
            "family `f`: type `top_level_reasoning_effort` takes the parameter `reasoning_effort`, not `effort`",
        ),
        (
            json!({"families": {"f": {"type": "reasoning_effort", "parameter": ""}}}),
            "family `f`: the parameter is empty",
        ),
        (json!({"models": {"m": {"family": "f"}}}), "model `m`: there is no reasoning family `f`"),
    ];
    for (settings, expected) in table {
        let refused = serde_json::from_value::<Settings>(settings).unwrap().check().unwrap_err();
        assert_eq!(refused.message, expected);
    }
    let unknown = serde_json::from_value::<Settings>(json!({"families": {"f": {"type": "x", "parameter": "p"}}}));
    assert!(unknown.is_err_and(|error| error.to_string().contains("unknown variant `x`")));
}
