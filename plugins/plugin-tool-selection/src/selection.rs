//! From similarities to edits. Needs no host.

use trackside_sdk::tools::{self, KnownTool, OfferedTool};
use trackside_sdk::{Edit, FieldValue};

use crate::settings::Settings;

/// How many tools are added where nobody says.
const USUAL: usize = 3;

/// The offered tools that stay; nothing when all do.
pub(crate) fn retained(settings: &Settings, offered: &[OfferedTool], similarities: &[f32]) -> Option<Edit> {
    let relevant = similarities.iter().filter(|similarity| **similarity >= settings.relevance_threshold).count();
    let most = relevant.max(settings.preserve_count);
    let kept = tools::best(similarities, f32::NEG_INFINITY, most);
    if kept.len() >= offered.len() {
        return None;
    }
    let names = kept.into_iter().filter_map(|place| offered.get(place)).map(|tool| tool.name.clone());
    Some(Edit::RetainTools(names.collect()))
}

/// The offered tools, which are JSON text, with the best of the database behind them; nothing when none is new.
pub(crate) fn added(settings: &Settings, database: &[KnownTool], similarities: &[f32], offered: &str) -> Option<Edit> {
    let most = if settings.top_k == 0 { USUAL } else { settings.top_k };
    let names: Vec<String> = tools::offered(offered).into_iter().map(|tool| tool.name).collect();
    let best = tools::best(similarities, settings.similarity_threshold, most);
    let best = best.into_iter().filter_map(|place| database.get(place)).filter(|tool| !names.contains(&tool.name));
    let added: Vec<&str> = best.map(|tool| tool.json.as_str()).collect();
    if added.is_empty() {
        return None;
    }
    // The client's own tools stay letter by letter.
    let own = offered.trim().strip_prefix('[').and_then(|tools| tools.strip_suffix(']')).unwrap_or_default().trim();
    let comma = if own.is_empty() { "" } else { "," };
    let json = format!("[{own}{comma}{}]", added.join(","));
    Some(Edit::SetField(FieldValue { path: vec!["tools".to_owned()], json }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings(json: Value) -> Settings {
        serde_json::from_value(json).unwrap()
    }

    fn names(edit: Option<Edit>) -> Option<Vec<String>> {
        edit.map(|edit| match edit {
            Edit::RetainTools(names) => names,
            other => vec![format!("{other:?}")],
        })
    }

    #[test]
    fn what_is_relevant_stays_and_so_does_what_is_to_be_preserved() {
        let offered =
            ["time", "maps", "mail"].map(|name| OfferedTool { name: name.into(), description: String::new() });
        let kept = |json, similarities: &[f32]| names(retained(&settings(json), &offered, similarities));
        let some = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(kept(json!({}), &[0.3, 0.1, 0.6]), some(&["mail", "time"]));
        assert_eq!(kept(json!({}), &[0.3, 0.25, 0.6]), None);
        assert_eq!(kept(json!({"relevance_threshold": 0.5}), &[0.3, 0.1, 0.6]), some(&["mail"]));
        assert_eq!(kept(json!({}), &[0.0, 0.1, 0.2]), some(&[]));
        assert_eq!(kept(json!({"preserve_count": 1}), &[0.0, 0.1, 0.2]), some(&["mail"]));
        assert_eq!(kept(json!({"preserve_count": 1}), &[0.3, 0.1, 0.6]), some(&["mail", "time"]));
        assert_eq!(kept(json!({"preserve_count": 9}), &[0.0, 0.1, 0.2]), None);
    }

    #[test]
    fn the_best_of_the_database_come_behind_the_clients_own() {
        let known = |name: &str| KnownTool {
            name: name.into(),
            description: name.into(),
            json: format!("{{\"name\":{name:?}}}"),
        };
        let database = ["time", "maps", "mail"].map(known);
        let tools = |json, offered: &str| match added(&settings(json), &database, &[0.3, 0.1, 0.6], offered) {
            Some(Edit::SetField(field)) => Some(field.json),
            _ => None,
        };
        assert_eq!(tools(json!({}), "").as_deref(), Some(r#"[{"name":"mail"},{"name":"time"}]"#));
        assert_eq!(tools(json!({"top_k": 1}), "null").as_deref(), Some(r#"[{"name":"mail"}]"#));
        assert_eq!(
            tools(json!({"top_k": 1}), " [ {\"name\": \"own\"} ] ").as_deref(),
            Some(r#"[{"name": "own"},{"name":"mail"}]"#)
        );
        assert_eq!(tools(json!({"top_k": 1}), r#"[{"name":"mail"}]"#), None);
        assert_eq!(tools(json!({"similarity_threshold": 0.9}), ""), None);
    }
}
