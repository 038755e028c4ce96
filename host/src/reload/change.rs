//! What is different between two generations, for people.

use super::Generation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Most places of a configuration that are named.
const MOST_PLACES: usize = 12;
/// How far into a configuration a place is followed.
const DEPTH: usize = 6;
/// Longest name of a list's entry in a place, characters.
const NAME_CHARS: usize = 40;

/// One line for each difference.
pub(super) fn between(old: &Generation, new: &Generation) -> Vec<String> {
    let mut changed = Vec::new();
    if old.material.config().digest != new.material.config().digest {
        changed.push(config(&old.config.document(), &new.config.document()));
    }
    changed.extend(differences("component", &components(old), &components(new)));
    changed.extend(differences("file", &files(old, new), &files(new, old)));
    if old.embeddings.fingerprint() != new.embeddings.fingerprint() {
        changed.push(format!("model {} to {}", old.embeddings, new.embeddings));
    }
    changed
}

fn components(of: &Generation) -> BTreeMap<String, String> {
    of.served.iter().map(|(serves, served)| (serves.clone(), served.digest.short())).collect()
}

/// Those that are no component of either generation.
fn files(of: &Generation, other: &Generation) -> BTreeMap<String, String> {
    let served = of.served.values().chain(other.served.values());
    let components: BTreeSet<&Path> = served.filter_map(|served| served.file.as_deref()).collect();
    let files = of.material.files().filter(|(path, _)| !components.contains(path));
    files.map(|(path, digest)| (path.display().to_string(), digest.short())).collect()
}

fn differences(what: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let told = names.into_iter().filter_map(|name| match (old.get(name), new.get(name)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(old), Some(new)) => Some(format!("{what} {name} {old} to {new}")),
        (None, Some(new)) => Some(format!("{what} {name} {new} added")),
        (Some(old), None) => Some(format!("{what} {name} {old} removed")),
        (None, None) => None,
    });
    told.collect()
}

fn config(old: &Value, new: &Value) -> String {
    let mut places = Vec::new();
    walk(old, new, &mut String::new(), DEPTH, &mut places);
    if places.is_empty() {
        return "config, in nothing but its layout".to_owned();
    }
    let more = places.len().saturating_sub(MOST_PLACES);
    places.truncate(MOST_PLACES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("config {}{more}", places.join(", "))
}

/// Never a value: there may be credentials among them.
fn walk(old: &Value, new: &Value, place: &mut String, depth: usize, into: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (before, after) = match (old, new) {
        _ if depth == 0 => return into.push(place.clone()),
        (Value::Object(old), Value::Object(new)) => (entries(old), entries(new)),
        (Value::Array(old), Value::Array(new)) => match (named(old), named(new)) {
            (Some(old), Some(new)) => (old, new),
            _ => (numbered(old), numbered(new)),
        },
        _ => return into.push(place.clone()),
    };
    let (length, told) = (place.len(), into.len());
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        place.push_str(if key.starts_with('[') || length == 0 { "" } else { "." });
        place.push_str(key);
        match (before.get(key), after.get(key)) {
            (Some(old), Some(new)) => walk(old, new, place, depth - 1, into),
            _ => into.push(place.clone()),
        }
        place.truncate(length);
    }
    if into.len() == told {
        // Only the order is different.
        into.push(place.clone());
    }
}

type Parts<'a> = BTreeMap<String, &'a Value>;

fn entries(of: &serde_json::Map<String, Value>) -> Parts<'_> {
    of.iter().map(|(key, value)| (key.chars().take(NAME_CHARS).collect(), value)).collect()
}

/// The entries of a list by their names, if each has one of its own.
fn named(of: &[Value]) -> Option<Parts<'_>> {
    let name = |value: &Value| {
        Some(format!("[{}]", value.get("name")?.as_str()?.chars().take(NAME_CHARS).collect::<String>()))
    };
    let parts: Parts<'_> = of.iter().map(|value| Some((name(value)?, value))).collect::<Option<_>>()?;
    (parts.len() == of.len()).then_some(parts)
}

fn numbered(of: &[Value]) -> Parts<'_> {
    of.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_configuration_is_told_by_the_places_that_differ() {
        let old = json!({"routing": {"decisions": [
            {"name": "law", "priority": 1, "secret": "hunter2"}, {"name": "maths", "priority": 2},
        ]}, "global": {"a": [1, 2]}});
        let mut new = old.clone();
        new["routing"]["decisions"][1]["priority"] = json!(3);
        assert_eq!(config(&old, &new), "config routing.decisions[maths].priority");
        new["routing"]["decisions"][0]["secret"] = json!("hunter3");
        new["global"]["a"] = json!([1, 3]);
        let told = config(&old, &new);
        assert_eq!(told, "config global.a[1], routing.decisions[law].secret, routing.decisions[maths].priority");
        assert_eq!(config(&old, &old), "config, in nothing but its layout");
        let mut swapped = json!({"routing": {"decisions": [old["routing"]["decisions"][1], old["routing"]["decisions"][0]]},
            "global": {"a": [1, 2]}});
        assert_eq!(config(&old, &swapped), "config routing.decisions");
        swapped["global"]["a"][0] = json!(2);
        assert_eq!(config(&old, &swapped), "config global.a[0], routing.decisions");
    }

    #[test]
    fn a_configuration_that_is_another_one_is_told_in_few_words() {
        let old: Value = (0..500).map(|n| (format!("key{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
        let told = config(&old, &json!({}));
        assert!(told.ends_with("and 488 more"), "{told}");
        let deep = |leaf: u32| (0..40).fold(json!(leaf), |inner, _| json!({ "k": inner }));
        assert_eq!(config(&deep(1), &deep(2)), "config k.k.k.k.k.k");
    }
}
