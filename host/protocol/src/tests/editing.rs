//! What edits do to the bytes, case by case.

use super::{edited, parsed, path};
use crate::{EditError, Edits};

#[test]
fn only_the_model_changes() {
    for (before, after) in [
        (r#"{"model":"auto","messages":[]}"#, r#"{"model":"new","messages":[]}"#),
        (
            "{\n  \"messages\" : [ ],\n  \"model\" :\t\"au\\u0074o\" , \"n\":1E+2\n}\n",
            "{\n  \"messages\" : [ ],\n  \"model\" :\t\"new\" , \"n\":1E+2\n}\n",
        ),
        (
            r#"{"model":"a","x":1,"x":2,"mod\u0065l":"b","messages":[]}"#,
            r#"{"model":"new","x":1,"x":2,"mod\u0065l":"new","messages":[]}"#,
        ),
        (
            r#"{"x":{"model":"a"},"model":"b","messages":[{"role":"user","model":"c"}]}"#,
            r#"{"x":{"model":"a"},"model":"new","messages":[{"role":"user","model":"c"}]}"#,
        ),
    ] {
        assert_eq!(edited(before, |edits| edits.set_model("new")), after);
    }
    assert_eq!(
        edited(r#"{"model":"m","messages":[]}"#, |edits| edits.set_model("a\"\n\\é")),
        r#"{"model":"a\"\n\\é","messages":[]}"#
    );
}

/// The messages before, then what set, prepend and append of `P` make of them.
const PROMPTS: &[[&str; 4]] = &[
    [
        "[]",
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":"P"}]"#,
    ],
    [
        r#"[{"role":"user","content":"u"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"}]"#,
    ],
    [
        r#"[{"role":"system","content":"a\u00e9\"b"},{"role":"user"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user"}]"#,
        r#"[{"role":"system","content":"P\n\na\u00e9\"b"},{"role":"user"}]"#,
        r#"[{"role":"system","content":"a\u00e9\"b\n\nP"},{"role":"user"}]"#,
    ],
    [
        r#"[{"name":"x", "content" : "old" , "role":"developer"}]"#,
        r#"[{"name":"x", "content" : "P" , "role":"developer"}]"#,
        r#"[{"name":"x", "content" : "P\n\nold" , "role":"developer"}]"#,
        r#"[{"name":"x", "content" : "old\n\nP" , "role":"developer"}]"#,
    ],
    [
        r#"[{"role":"system","content":""}]"#,
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":"P"}]"#,
    ],
    [
        r#"[{"role":"system","content":null,"x":1}]"#,
        r#"[{"role":"system","content":"P","x":1}]"#,
        r#"[{"role":"system","content":"P","x":1}]"#,
        r#"[{"role":"system","content":"P","x":1}]"#,
    ],
    [
        r#"[{"role": "system"}]"#,
        r#"[{"role": "system", "content": "P"}]"#,
        r#"[{"role": "system", "content": "P"}]"#,
        r#"[{"role": "system", "content": "P"}]"#,
    ],
    [
        r#"[{"role":"system","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral"}}]}]"#,
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":[{"type":"text","text":"P\n\n"},{"type":"text","text":"t","cache_control":{"type":"ephemeral"}}]}]"#,
        r#"[{"role":"system","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral"}},{"type":"text","text":"\n\nP"}]}]"#,
    ],
    [
        r#"[{"role":"system","content":[ ]}]"#,
        r#"[{"role":"system","content":"P"}]"#,
        r#"[{"role":"system","content":[{"type":"text","text":"P"} ]}]"#,
        r#"[{"role":"system","content":[{"type":"text","text":"P"} ]}]"#,
    ],
    [
        r#"[{"role":"user","content":"u"},{"role":"system","content":"late"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"},{"role":"system","content":"late"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"},{"role":"system","content":"late"}]"#,
        r#"[{"role":"system","content":"P"},{"role":"user","content":"u"},{"role":"system","content":"late"}]"#,
    ],
    [
        r#"[{"role":"system","content":"a","content":"b"}]"#,
        r#"[{"role":"system","content":"P","content":"P"}]"#,
        r#"[{"role":"system","content":"P\n\na","content":"P\n\nb"}]"#,
        r#"[{"role":"system","content":"a\n\nP","content":"b\n\nP"}]"#,
    ],
    [
        "[\n  {\"role\": \"user\"}\n]",
        "[\n  {\"role\":\"system\",\"content\":\"P\"},\n  {\"role\": \"user\"}\n]",
        "[\n  {\"role\":\"system\",\"content\":\"P\"},\n  {\"role\": \"user\"}\n]",
        "[\n  {\"role\":\"system\",\"content\":\"P\"},\n  {\"role\": \"user\"}\n]",
    ],
];

#[test]
fn the_system_prompt_is_set_prepended_and_appended() {
    for [before, set, prepended, appended] in PROMPTS {
        let body = |messages: &str| format!(r#"{{"model":"m","messages":{messages}}}"#);
        assert_eq!(edited(&body(before), |edits| edits.set_system_prompt("P")), body(set));
        assert_eq!(edited(&body(before), |edits| edits.prepend_system_prompt("P")), body(prepended));
        assert_eq!(edited(&body(before), |edits| edits.append_system_prompt("P")), body(appended));
    }
    let spaced = r#"{"model": "m", "messages": [{"role": "user"}]}"#;
    let expected = r#"{"model": "m", "messages": [{"role": "system", "content": "P"}, {"role": "user"}]}"#;
    assert_eq!(edited(spaced, |edits| edits.set_system_prompt("P")), expected);
}

#[test]
fn prompt_edits_compose_in_order() {
    type Step = fn(&mut Edits);
    let steps: &[(&[Step], &str)] = &[
        (&[|e| e.prepend_system_prompt("a"), |e| e.prepend_system_prompt("b")], "b\n\na\n\nold"),
        (&[|e| e.append_system_prompt("a"), |e| e.append_system_prompt("b")], "old\n\na\n\nb"),
        (&[|e| e.prepend_system_prompt("a"), |e| e.append_system_prompt("b")], "a\n\nold\n\nb"),
        (&[|e| e.prepend_system_prompt("a"), |e| e.append_system_prompt("b"), |e| e.set_system_prompt("c")], "c"),
        (
            &[|e| e.set_system_prompt("c"), |e| e.prepend_system_prompt("a"), |e| e.append_system_prompt("b")],
            "a\n\nc\n\nb",
        ),
        (&[|e| e.set_system_prompt(""), |e| e.append_system_prompt("b")], "b"),
        (&[|e| e.prepend_system_prompt(""), |e| e.append_system_prompt("")], "old"),
        (&[|e| e.set_system_prompt("")], ""),
    ];
    for (steps, expected) in steps {
        let body = r#"{"model":"m","messages":[{"role":"system","content":"old"}]}"#;
        let result = edited(body, |edits| steps.iter().for_each(|step| step(edits)));
        assert_eq!(parsed(&result).message(0).unwrap().text, *expected);
    }
    let bare = r#"{"model":"m","messages":[]}"#;
    assert_eq!(edited(bare, |edits| edits.set_system_prompt("")), bare, "an empty prompt is not added");
}

#[test]
fn every_messages_field_gets_the_prompt() {
    let body = r#"{"messages":[{"role":"system","content":"a"}],"model":"m","messages":[]}"#;
    let expected =
        r#"{"messages":[{"role":"system","content":"P"}],"model":"m","messages":[{"role":"system","content":"P"}]}"#;
    assert_eq!(edited(body, |edits| edits.set_system_prompt("P")), expected);
}

#[test]
fn fields_are_set_where_they_stand_or_added_in_the_style_of_the_body() {
    let set = |body: &str, keys: &[&str], json: &str| edited(body, |edits| edits.set_field(&path(keys), json).unwrap());
    for (before, keys, json, after) in [
        (r#"{"model":"m","messages":[]}"#, &["n"][..], "1", r#"{"model":"m","messages":[],"n":1}"#),
        (r#"{"model": "m", "messages": []}"#, &["n"], "1", r#"{"model": "m", "messages": [], "n": 1}"#),
        (
            "{\n  \"model\": \"m\",\n  \"messages\": []\n}\n",
            &["n"],
            "1",
            "{\n  \"model\": \"m\",\n  \"messages\": [],\n  \"n\": 1\n}\n",
        ),
        (
            r#"{"n":0.10,"model":"m","messages":[],"n":2 }"#,
            &["n"],
            " [1, 2]\n",
            r#"{"n":[1, 2],"model":"m","messages":[],"n":[1, 2] }"#,
        ),
        (
            r#"{"model":"m","messages":[]}"#,
            &["a", "b", "c"],
            "true",
            r#"{"model":"m","messages":[],"a":{"b":{"c":true}}}"#,
        ),
        (
            r#"{"model":"m","a":{"x":1E5},"messages":[]}"#,
            &["a", "b"],
            "true",
            r#"{"model":"m","a":{"x":1E5,"b":true},"messages":[]}"#,
        ),
        (
            r#"{"model":"m","a":{ },"messages":[]}"#,
            &["a", "b"],
            "true",
            r#"{"model":"m","a":{"b":true },"messages":[]}"#,
        ),
        (
            r#"{"model":"m","a":[1],"messages":[]}"#,
            &["a", "b"],
            "true",
            r#"{"model":"m","a":{"b":true},"messages":[]}"#,
        ),
        (
            r#"{"a":{"b":1},"model":"m","a":2,"messages":[]}"#,
            &["a", "b"],
            "3",
            r#"{"a":{"b":3},"model":"m","a":{"b":3},"messages":[]}"#,
        ),
        (
            r#"{"model":"m","messages":[]}"#,
            &["dotted.key", "\"q\""],
            "0",
            r#"{"model":"m","messages":[],"dotted.key":{"\"q\"":0}}"#,
        ),
        (r#"{"model":"m","messages":[]}"#, &["stream"], "true", r#"{"model":"m","messages":[],"stream":true}"#),
        (r#"{"model":"m","messages":[]}"#, &["model"], r#""\u006e""#, r#"{"model":"\u006e","messages":[]}"#),
        (
            r#"{"model":"m","messages":[]}"#,
            &["messages"],
            r#"[{"role":"user"}]"#,
            r#"{"model":"m","messages":[{"role":"user"}]}"#,
        ),
    ] {
        assert_eq!(set(before, keys, json), after);
    }
    let blanks = " ".repeat(1000);
    let wide = format!(r#"{{"model":"m",{blanks}"messages":{blanks}[]}}"#);
    assert_eq!(set(&wide, &["n"], "1"), wide.replace("[]}", r#"[],"n":1}"#), "a flood of blanks is not repeated");
}

#[test]
fn fields_are_removed_with_one_comma() {
    for (before, keys, after) in [
        (r#"{"n":1,"model":"m","messages":[]}"#, &["n"][..], r#"{"model":"m","messages":[]}"#),
        (r#"{ "n":1, "model":"m","messages":[]}"#, &["n"], r#"{ "model":"m","messages":[]}"#),
        (r#"{"model":"m", "n":1, "messages":[]}"#, &["n"], r#"{"model":"m", "messages":[]}"#),
        ("{\"model\":\"m\",\n \"messages\":[],\n \"n\":1\n}", &["n"], "{\"model\":\"m\",\n \"messages\":[]\n}"),
        (r#"{"n":1,"n":2,"model":"m","n":3,"messages":[],"n":4,"n":5}"#, &["n"], r#"{"model":"m","messages":[]}"#),
        (r#"{"a":{"n":1 , "n":2},"model":"m","messages":[]}"#, &["a", "n"], r#"{"a":{},"model":"m","messages":[]}"#),
        (
            r#"{"a":{ "b":{"c":0,"n":1} },"model":"m","messages":[]}"#,
            &["a", "b", "n"],
            r#"{"a":{ "b":{"c":0} },"model":"m","messages":[]}"#,
        ),
        (r#"{"a":5,"model":"m","messages":[]}"#, &["a", "n"], r#"{"a":5,"model":"m","messages":[]}"#),
        (r#"{"model":"m","messages":[]}"#, &["a", "n"], r#"{"model":"m","messages":[]}"#),
    ] {
        assert_eq!(edited(before, |edits| edits.remove_field(&path(keys)).unwrap()), after);
    }
}

#[test]
fn field_edits_compose_in_order() {
    enum Step {
        Set(&'static [&'static str], &'static str),
        Remove(&'static [&'static str]),
        Model(&'static str),
        Prompt(&'static str),
    }
    use Step::{Model, Prompt, Remove, Set};
    let cases: &[(&[Step], &str)] = &[
        (&[Set(&["a"], "1"), Set(&["a"], "2")], r#""model":"m","messages":[],"n":{"x":0},"a":2"#),
        (
            &[Set(&["a"], "{\"b\":1}"), Set(&["a", "c"], "2")],
            r#""model":"m","messages":[],"n":{"x":0},"a":{"b":1,"c":2}"#,
        ),
        (&[Set(&["a"], "1"), Set(&["a", "c"], "2")], r#""model":"m","messages":[],"n":{"x":0},"a":{"c":2}"#),
        (&[Set(&["a", "c"], "2"), Set(&["a"], "1")], r#""model":"m","messages":[],"n":{"x":0},"a":1"#),
        (&[Set(&["a"], "1"), Remove(&["a"])], r#""model":"m","messages":[],"n":{"x":0}"#),
        (
            &[Set(&["a"], "{\"b\":1,\"c\":2}"), Remove(&["a", "b"])],
            r#""model":"m","messages":[],"n":{"x":0},"a":{"c":2}"#,
        ),
        (&[Set(&["a", "b"], "1"), Remove(&["a", "b"])], r#""model":"m","messages":[],"n":{"x":0},"a":{}"#),
        (&[Remove(&["n"]), Set(&["n", "y"], "1")], r#""model":"m","messages":[],"n":{"y":1}"#),
        (&[Set(&["n", "y"], "1"), Remove(&["n", "x"])], r#""model":"m","messages":[],"n":{"y":1}"#),
        (&[Remove(&["n", "x"]), Set(&["n", "y"], "1")], r#""model":"m","messages":[],"n":{"y":1}"#),
        (&[Model("a"), Set(&["model"], "\"b\"")], r#""model":"b","messages":[],"n":{"x":0}"#),
        (&[Set(&["model"], "\"b\""), Model("a")], r#""model":"a","messages":[],"n":{"x":0}"#),
        (&[Model("a"), Model("")], r#""model":"a","messages":[],"n":{"x":0}"#),
        (&[Prompt("p"), Set(&["messages"], "[]")], r#""model":"m","messages":[],"n":{"x":0}"#),
        (
            &[Set(&["messages"], "[ ]"), Prompt("p")],
            r#""model":"m","messages":[{"role":"system","content":"p"} ],"n":{"x":0}"#,
        ),
    ];
    for (steps, expected) in cases {
        let result = edited(r#"{"model":"m","messages":[],"n":{"x":0}}"#, |edits| {
            for step in *steps {
                match step {
                    Set(keys, json) => edits.set_field(&path(keys), json).unwrap(),
                    Remove(keys) => edits.remove_field(&path(keys)).unwrap(),
                    Model(name) => edits.set_model(name),
                    Prompt(text) => edits.set_system_prompt(text),
                }
            }
        });
        assert_eq!(result, format!("{{{expected}}}"));
    }
}

#[test]
fn tools_are_kept_by_name_and_a_choice_does_not_outlive_its_tool() {
    let tool = |name: &str| format!(r#"{{"type":"function", "function":{{"name":"{name}"}}}}"#);
    let (a, b, flat) = (tool("a"), tool("\\u0062"), r#"{"name":"c"}"#);
    let keep = |rest: &str, names: &[&str]| {
        edited(&format!(r#"{{"model":"m","messages":[]{rest}}}"#), |edits| edits.retain_tools(&path(names)))
            .replace(r#"{"model":"m","messages":[]"#, "")
    };
    let all = format!(r#","tools":[{a}, {b}, {flat}]"#);
    for (rest, names, after) in [
        (all.clone(), &["a", "b", "c", "d"][..], format!("{all}}}")),
        (all.clone(), &["a"], format!(r#","tools":[{a}]}}"#)),
        (all.clone(), &["b"], format!(r#","tools":[{b}]}}"#)),
        (all.clone(), &["c", "a"], format!(r#","tools":[{a}, {flat}]}}"#)),
        (format!(r#"{all},"tool_choice":"auto""#), &["z"], "}".to_owned()),
        (format!(r#"{all},"tool_choice":"auto""#), &[], "}".to_owned()),
        (format!(r#"{all},"tool_choice":"auto""#), &["c"], format!(r#","tools":[{flat}],"tool_choice":"auto"}}"#)),
        (format!(r#"{all},"tool_choice":{a}"#), &["c"], format!(r#","tools":[{flat}]}}"#)),
        (format!(r#"{all},"tool_choice":{a}"#), &["a"], format!(r#","tools":[{a}],"tool_choice":{a}}}"#)),
        (r#","tools":[]"#.to_owned(), &["a"], r#","tools":[]}"#.to_owned()),
        (r#","tools":"x","tool_choice":1"#.to_owned(), &["a"], r#","tools":"x","tool_choice":1}"#.to_owned()),
        (r#","tool_choice":1"#.to_owned(), &["a"], r#","tool_choice":1}"#.to_owned()),
        (format!(r#","tools":[{b}],"tools":[{a}]"#), &["a"], format!(r#","tools":[{a}],"tools":[{a}]}}"#)),
    ] {
        assert_eq!(keep(&rest, names), after, "{rest} {names:?}");
    }
}

#[test]
fn tool_edits_compose_in_order() {
    let body = r#"{"model":"m","messages":[],"tools":[{"name":"a"},{"name":"b"}],"tool_choice":"auto"}"#;
    let names = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    let twice = edited(body, |edits| {
        edits.retain_tools(&names("a,b"));
        edits.retain_tools(&names("b,c"));
    });
    assert_eq!(twice, r#"{"model":"m","messages":[],"tools":[{"name":"b"}],"tool_choice":"auto"}"#);
    let set_after = edited(body, |edits| {
        edits.retain_tools(&[]);
        edits.set_field(&path(&["tools"]), "[{\"name\":\"z\"}]").unwrap();
    });
    assert_eq!(
        set_after, r#"{"model":"m","messages":[],"tools":[{"name":"z"}]}"#,
        "the choice went with the first tools"
    );
    let set_before = edited(body, |edits| {
        edits.set_field(&path(&["tools"]), "[{\"name\":\"z\"},{\"name\":\"y\"}]").unwrap();
        edits.set_field(&path(&["tool_choice"]), "{\"name\":\"z\"}").unwrap();
        edits.retain_tools(&names("y"));
    });
    assert_eq!(set_before, r#"{"model":"m","messages":[],"tools":[{"name":"y"}]}"#);
    let choice_after = edited(body, |edits| {
        edits.retain_tools(&[]);
        edits.set_field(&path(&["tool_choice"]), "\"none\"").unwrap();
    });
    assert_eq!(choice_after, r#"{"model":"m","messages":[],"tool_choice":"none"}"#);
}

#[test]
fn an_edit_that_cannot_be_made_is_refused_and_leaves_the_others() {
    let request = parsed(r#"{"model":"m","messages":[]}"#);
    let mut edits = request.edit();
    let mut set = |keys: &[&str], json: &str| edits.set_field(&path(keys), json).unwrap_err().to_string();
    for (keys, json, message) in [
        (&[][..], "1", "a field's path must name at least one key"),
        (&["a", "b"], "", "the value for field `a.b` is not JSON: unexpected end at byte 0"),
        (&["a"], "1 2", "the value for field `a` is not JSON: unexpected text behind the value at byte 2"),
        (
            &["a"],
            "{\"a\":1},\"model\":\"x\"",
            "the value for field `a` is not JSON: unexpected text behind the value at byte 7",
        ),
        (&["model"], "5", "the value for field `model` cannot be used: `model` must be a string, not a number"),
        (&["model"], "\"\"", "the value for field `model` cannot be used: `model` must not be empty"),
        (&["messages"], "[{}]", "the value for field `messages` cannot be used: `messages[0].role` is required"),
        (&["stream"], "1", "the value for field `stream` cannot be used: `stream` must be a boolean, not a number"),
        (&["messages", "0"], "1", "field `messages` has no fields of its own: set it as a whole"),
        (&["tools", "x"], "1", "field `tools` has no fields of its own: set it as a whole"),
        (&["a"; 129], "1", "a field's path has 129 keys, at most 128 can be used"),
    ] {
        assert_eq!(set(keys, json), message);
    }
    assert!(edits.set_field(&path(&["a"; 128]), "1").is_ok());
    assert!(matches!(edits.set_field(&path(&["a"; 128]), "[]"), Err(EditError::InvalidJson { .. })));
    assert_eq!(edits.remove_field(&path(&["model"])), Err(EditError::Required { field: "model".to_owned() }));
    assert_eq!(edits.remove_field(&path(&["messages"])), Err(EditError::Required { field: "messages".to_owned() }));
    assert_eq!(edits.remove_field(&path(&["model", "x"])), Err(EditError::NoObject { field: "model".to_owned() }));
    assert_eq!(edits.remove_field(&[]), Err(EditError::EmptyPath));
    let body = edits.render(&request).unwrap();
    assert!(crate::ChatRequest::parse(body).is_ok(), "the deepest path still gives a body that can be read");
}

#[test]
fn nothing_is_copied_when_nothing_changes() {
    let request =
        parsed(r#"{"model":"m","messages":[{"role":"system","content":"s"}],"a":{"b":1},"tools":[{"name":"t"}]}"#);
    let same = |edit: fn(&mut Edits)| {
        let mut edits = request.edit();
        edit(&mut edits);
        assert_eq!(edits.render(&request).unwrap().as_ptr(), request.body().as_ptr());
        edits.is_empty()
    };
    assert!(same(|_| {}));
    assert!(!same(|edits| edits.set_model("m")));
    assert!(same(|edits| edits.set_model("")));
    assert!(!same(|edits| edits.set_system_prompt("s")));
    assert!(!same(|edits| edits.prepend_system_prompt("")));
    assert!(!same(|edits| edits.set_field(&["a".to_owned(), "b".to_owned()], "1").unwrap()));
    assert!(!same(|edits| edits.remove_field(&["z".to_owned()]).unwrap()));
    assert!(!same(|edits| edits.retain_tools(&["t".to_owned()])));
}

#[test]
fn a_flood_of_repeated_keys_is_refused_once_it_would_be_edited() {
    let body = |count: usize| format!(r#"{{{}"model":"m","messages":[]}}"#, r#""n":1,"#.repeat(count));
    let set = |count: usize| {
        let request = parsed(&body(count));
        let mut edits = request.edit();
        edits.set_field(&path(&["n"]), "2").unwrap();
        edits.render(&request)
    };
    assert_eq!(set(8).unwrap(), body(8).replace(":1", ":2"));
    assert_eq!(set(9), Err(EditError::Repeated { field: "n".to_owned() }));
    assert_eq!(edited(&body(1000), |edits| edits.set_model("x")), body(1000).replace(r#":"m""#, r#":"x""#));
    let contents = format!(r#"{{"model":"m","messages":[{{"role":"system"{}}}]}}"#, r#","content":"a""#.repeat(9));
    let request = parsed(&contents);
    let mut edits = request.edit();
    edits.set_system_prompt("p");
    assert_eq!(edits.render(&request), Err(EditError::Repeated { field: "content".to_owned() }));
}
