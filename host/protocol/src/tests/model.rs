//! What edits should do, said twice more and differently: to the tree of spellings, and to the value that parsers see.

use super::bodies::{Entry, Node, Source, inner, value};
use super::path;
use crate::Edits;
use serde_json::{Map, Value, json};

/// One edit.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Set(Vec<String>, String),
    Remove(Vec<String>),
    Prompt(Place, String),
    Retain(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    Before,
    Behind,
}

impl Step {
    pub(super) fn random(source: &mut Source<'_>) -> Step {
        const PATHS: &[&[&str]] = &[
            &["n"],
            &["n", "a"],
            &["n", "a", "b"],
            &["chat_template_kwargs", "enable_thinking"],
            &["metadata"],
            &["", "é"],
            &["reasoning_effort"],
            &["tool_choice"],
            &["new", "deep", "er"],
        ];
        const VALUES: &[&str] = &["true", "1E+2", "{\"a\": 1}", "[ ]", "\"\\u00e9\"", "{\"a\":{\"c\":null}}"];
        match source.below(8) {
            0 => Step::Set(path(&["model"]), format!("\"{}\"", source.pick(&["auto", "chosen", "\\u0061"]))),
            1 | 2 => Step::Set(path(source.pick(PATHS)), source.pick(VALUES).to_owned()),
            3 => Step::Remove(path(source.pick(PATHS))),
            4..7 => Step::Prompt(source.pick(&[Place::Whole, Place::Before, Place::Behind]), source.words()),
            _ => Step::Retain(path(source.pick(&[&["t1", "t3"][..], &[], &["t2"], &["t1", "t2", "t3"]]))),
        }
    }

    pub(super) fn add(&self, edits: &mut Edits) {
        match self {
            Step::Set(path, json) if path.len() == 1 && path[0] == "model" && !json.contains('\\') => {
                edits.set_model(json.trim_matches('"'));
            }
            Step::Set(path, json) => edits.set_field(path, json).unwrap(),
            Step::Remove(path) => edits.remove_field(path).unwrap(),
            Step::Prompt(Place::Whole, text) => edits.set_system_prompt(text),
            Step::Prompt(Place::Before, text) => edits.prepend_system_prompt(text),
            Step::Prompt(Place::Behind, text) => edits.append_system_prompt(text),
            Step::Retain(names) => edits.retain_tools(names),
        }
    }

    /// The edit on the tree of spellings: exactly these bytes should come out.
    pub(super) fn spell(&self, body: &mut Node) {
        match self {
            Step::Set(path, json) => set(body, path, json),
            Step::Remove(path) => remove(body, path),
            Step::Prompt(place, text) => {
                for entry in named(body, "messages") {
                    prompt(entry, *place, text);
                }
            }
            Step::Retain(names) => retain(body, names),
        }
    }

    /// The edit on the value.
    pub(super) fn apply(&self, body: &mut Value) {
        match self {
            Step::Set(path, json) => set_value(body, path, json),
            Step::Remove(path) => remove_value(body, path),
            Step::Prompt(place, text) => prompt_value(&mut body["messages"], *place, text),
            Step::Retain(names) => retain_value(body, names),
        }
    }
}

fn named<'n>(object: &'n mut Node, name: &str) -> Vec<&'n mut Entry> {
    match object {
        Node::Group('{', entries, _) => entries.iter_mut().filter(|entry| entry.is(name)).collect(),
        _ => Vec::new(),
    }
}

fn nested(path: &[String], json: &str) -> String {
    path.iter().rev().fold(json.to_owned(), |json, key| format!("{{{}:{json}}}", Value::from(key.as_str())))
}

fn or<'t>(first: &'t str, second: &'t str) -> &'t str {
    if first.is_empty() { second } else { first }
}

/// Puts a member behind the last one.
fn push(object: &mut Node, name: &str, json: String) {
    let Node::Group('{', entries, blank) = object else { unreachable!() };
    let (lead, after_colon, tail) = match entries.last_mut() {
        Some(last) => {
            let lead = or(&last.lead, &last.after_colon).to_owned();
            (lead, last.after_colon.clone(), std::mem::take(&mut last.tail))
        }
        None => (String::new(), String::new(), blank.clone()),
    };
    let key = Some(Value::from(name).to_string());
    entries.push(Entry { lead, key, before_colon: String::new(), after_colon, value: Node::Leaf(json), tail });
}

fn set(object: &mut Node, path: &[String], json: &str) {
    let (name, below) = path.split_first().unwrap();
    let mut found = named(object, name);
    for entry in &mut found {
        if !below.is_empty() && entry.value.is_object() {
            set(&mut entry.value, below, json);
        } else {
            entry.value = Node::Leaf(nested(below, json));
        }
    }
    if found.is_empty() {
        push(object, name, nested(below, json));
    }
}

fn remove(object: &mut Node, path: &[String]) {
    let (name, below) = path.split_first().unwrap();
    if !below.is_empty() {
        return named(object, name).into_iter().for_each(|entry| remove(&mut entry.value, below));
    }
    if let Node::Group('{', entries, blank) = object {
        remove_entries(entries, blank, |entry| entry.is(name));
    }
}

fn remove_entries(entries: &mut Vec<Entry>, blank: &mut String, goes: impl Fn(&Entry) -> bool) {
    while let Some(index) = entries.iter().position(&goes) {
        let gone = entries.remove(index);
        if index > 0 {
            entries[index - 1].tail = gone.tail;
        } else if let Some(next) = entries.first_mut() {
            next.lead = gone.lead;
        } else {
            *blank = gone.lead + &gone.tail;
        }
    }
}

/// Two strings as an object in the style of a colon.
fn pair(blank: &str, fields: [(&str, &str); 2]) -> String {
    let [first, second] = fields.map(|(key, text)| format!("\"{key}\":{blank}\"{}\"", inner(text)));
    format!("{{{first},{blank}{second}}}")
}

/// A new element in front of or behind others; with none there, alone.
fn add_element(list: &mut Node, place: Place, json: String, style: &str) {
    let Node::Group('[', entries, blank) = list else { unreachable!() };
    let element = |lead: &str, tail: String| Entry {
        lead: lead.to_owned(),
        key: None,
        before_colon: String::new(),
        after_colon: String::new(),
        value: Node::Leaf(json.clone()),
        tail,
    };
    let Some(first) = entries.first_mut() else {
        return entries.push(element("", blank.clone()));
    };
    let lead = first.lead.clone();
    if place == Place::Behind {
        let tail = std::mem::take(&mut entries.last_mut().unwrap().tail);
        entries.push(element(or(&lead, style), tail));
    } else {
        first.lead = or(&lead, style).to_owned();
        entries.insert(0, element(&lead, String::new()));
    }
}

fn prompt(messages: &mut Entry, place: Place, text: &str) {
    if text.is_empty() && place != Place::Whole {
        return;
    }
    let style = messages.after_colon.clone();
    let is_system = messages.value.entries().first().is_some_and(|first| {
        let role = value(&first.value.get("role").unwrap().text());
        role == "system" || role == "developer"
    });
    if !is_system {
        if !text.is_empty() {
            let message = pair(&style, [("role", "system"), ("content", text)]);
            add_element(&mut messages.value, Place::Before, message, &style);
        }
        return;
    }
    let Node::Group('[', entries, _) = &mut messages.value else { unreachable!() };
    let first = &mut entries[0].value;
    if named(first, "content").is_empty() {
        return push(first, "content", Value::from(text).to_string());
    }
    for entry in named(first, "content") {
        let style = entry.after_colon.clone();
        match (&mut entry.value, place) {
            (Node::Leaf(string), Place::Before) if string.len() > 2 && string.starts_with('"') => {
                string.insert_str(1, &inner(&format!("{text}\n\n")));
            }
            (Node::Leaf(string), Place::Behind) if string.len() > 2 && string.starts_with('"') => {
                string.insert_str(string.len() - 1, &inner(&format!("\n\n{text}")));
            }
            (list @ Node::Group(..), Place::Before | Place::Behind) => {
                let text = match (list.entries().is_empty(), place) {
                    (true, _) => text.to_owned(),
                    (_, Place::Before) => format!("{text}\n\n"),
                    _ => format!("\n\n{text}"),
                };
                add_element(list, place, pair(&style, [("type", "text"), ("text", &text)]), &style);
            }
            (content, _) => *content = Node::Leaf(Value::from(text).to_string()),
        }
    }
}

fn tool_name(tool: &Node) -> Option<String> {
    let function = tool.get("function").and_then(|function| function.get("name"));
    let name = function.or_else(|| tool.get("name"))?;
    value(&name.text()).as_str().map(str::to_owned)
}

fn retain(body: &mut Node, names: &[String]) {
    let goes = |tool: &Node| tool_name(tool).is_none_or(|name| !names.contains(&name));
    let Some(Node::Group('[', mut entries, mut blank)) = body.get("tools").cloned() else { return };
    let count = entries.len();
    remove_entries(&mut entries, &mut blank, |entry| goes(&entry.value));
    let gone = count - entries.len();
    if gone > 0 && entries.is_empty() {
        remove(body, &path(&["tools"]));
        remove(body, &path(&["tool_choice"]));
        return;
    }
    let choice = body.get("tool_choice").and_then(tool_name);
    if gone > 0 && choice.is_some_and(|name| !names.contains(&name)) {
        remove(body, &path(&["tool_choice"]));
    }
    set(body, &path(&["tools"]), &Node::Group('[', entries, blank).text());
}

fn set_value(body: &mut Value, path: &[String], json: &str) {
    let mut at = body;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().unwrap().entry(key.as_str()).or_insert(Value::Null);
    }
    *at = value(json);
}

fn remove_value(body: &mut Value, path: &[String]) {
    let (last, way) = path.split_last().unwrap();
    let mut at = Some(body);
    for key in way {
        at = at.and_then(|value| value.as_object_mut()).and_then(|object| object.get_mut(key));
    }
    if let Some(object) = at.and_then(|value| value.as_object_mut()) {
        object.shift_remove(last);
    }
}

fn prompt_value(messages: &mut Value, place: Place, text: &str) {
    if text.is_empty() && place != Place::Whole {
        return;
    }
    let messages = messages.as_array_mut().unwrap();
    let Some(first) = messages.first_mut().filter(|first| first["role"] == "system" || first["role"] == "developer")
    else {
        if !text.is_empty() {
            messages.insert(0, json!({"role": "system", "content": text}));
        }
        return;
    };
    let part = |text: String| json!({"type": "text", "text": text});
    let old = first["content"].take();
    first["content"] = match (old, place) {
        (Value::String(old), Place::Before) if !old.is_empty() => format!("{text}\n\n{old}").into(),
        (Value::String(old), Place::Behind) if !old.is_empty() => format!("{old}\n\n{text}").into(),
        (Value::Array(parts), Place::Before | Place::Behind) if parts.is_empty() => vec![part(text.to_owned())].into(),
        (Value::Array(mut parts), Place::Before) => {
            parts.insert(0, part(format!("{text}\n\n")));
            parts.into()
        }
        (Value::Array(mut parts), Place::Behind) => {
            parts.push(part(format!("\n\n{text}")));
            parts.into()
        }
        _ => text.into(),
    };
}

fn retain_value(body: &mut Value, names: &[String]) {
    let named =
        |tool: &Value| tool["function"].get("name").or(tool.get("name")).and_then(Value::as_str).map(str::to_owned);
    let kept = |tool: &Value| named(tool).is_some_and(|name| names.contains(&name));
    let Some(tools) = body.get_mut("tools").and_then(Value::as_array_mut) else { return };
    let count = tools.len();
    tools.retain(kept);
    let (gone, none_left) = (count - tools.len(), tools.is_empty());
    let choice_went = body.get("tool_choice").and_then(named).is_some_and(|name| !names.contains(&name));
    if gone > 0 && none_left {
        remove_value(body, &path(&["tools"]));
    }
    if gone > 0 && (none_left || choice_went) {
        remove_value(body, &path(&["tool_choice"]));
    }
}

/// Evens out two harmless differences between edits at once and one by one: one by one, two prompts become two neighbouring
/// text parts instead of one, and a prompt that is added and then emptied leaves an empty message.
pub(super) fn evened(mut body: Value) -> Value {
    let messages = body["messages"].as_array_mut().unwrap();
    if messages.first() == Some(&json!({"role": "system", "content": ""})) {
        messages.remove(0);
    }
    let parts = body["messages"].get_mut(0).and_then(|first| first.get_mut("content")).and_then(Value::as_array_mut);
    if let Some(parts) = parts {
        let plain = |part: &Value| {
            part.as_object().is_some_and(|part| part.len() == 2) && part["type"] == "text" && part["text"].is_string()
        };
        let mut joined: Vec<Value> = Vec::new();
        for part in parts.drain(..) {
            match joined.last_mut() {
                Some(last) if plain(last) && plain(&part) => {
                    last["text"] =
                        format!("{}{}", last["text"].as_str().unwrap(), part["text"].as_str().unwrap()).into();
                }
                _ => joined.push(part),
            }
        }
        *parts = joined;
    }
    body
}
