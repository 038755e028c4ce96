//! Tools that a request offers to a model, and databases of tools. Needs no host.

use serde_json::Value;

/// A tool that a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedTool {
    /// The name that the model calls it by.
    pub name: String,
    /// What it says it does. May be empty.
    pub description: String,
}

impl OfferedTool {
    /// What is compared with a request: the name and the description.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {}", self.name.trim(), self.description.trim()).trim().to_owned()
    }
}

/// The tools in the JSON of a request's `tools`. Those without a name, which are a provider's own, are left out.
#[must_use]
pub fn offered(json: &str) -> Vec<OfferedTool> {
    let tools: Vec<Value> = serde_json::from_str(json).unwrap_or_default();
    tools.iter().filter_map(tool).collect()
}

fn tool(tool: &Value) -> Option<OfferedTool> {
    let function = tool.get("function").filter(|function| function.get("name").is_some()).unwrap_or(tool);
    let text = |key| function.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(OfferedTool { name: text("name")?, description: text("description").unwrap_or_default() })
}

/// Whether the client leaves it to the model which tool to call: `tool_choice` as JSON is absent, null or `auto`.
#[must_use]
pub fn is_free_choice(tool_choice: Option<&str>) -> bool {
    matches!(tool_choice, None | Some("null" | "\"auto\""))
}

/// A tool that a database has.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownTool {
    /// Its name.
    pub name: String,
    /// What requests are compared with.
    pub description: String,
    /// The tool as a request offers it, as JSON text.
    pub json: String,
}

/// Reads a database: a JSON array of objects with `tool`, as a request would offer it, and `description`, for which the
/// tool's own is taken when it is left out. Other keys are ignored.
///
/// # Errors
/// Says which entry is wrong, and how.
pub fn database(bytes: &[u8]) -> Result<Vec<KnownTool>, String> {
    let entries: Vec<Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("the tools database is no JSON array: {error}"))?;
    (1..).zip(entries).map(|(number, entry)| known(&entry).ok_or_else(|| missing(number))).collect()
}

fn missing(number: usize) -> String {
    format!("entry {number} of the tools database has no tool with a name, or no description")
}

fn known(entry: &Value) -> Option<KnownTool> {
    let json = entry.get("tool")?;
    let OfferedTool { name, description } = tool(json)?;
    let own = entry.get("description").and_then(Value::as_str).map(str::to_owned);
    let description = own.filter(|text| !text.trim().is_empty()).unwrap_or(description);
    (!description.trim().is_empty()).then(|| KnownTool { name, description, json: json.to_string() })
}

/// The places of the `most` greatest similarities that reach a threshold, the greatest first.
#[must_use]
pub fn best(similarities: &[f32], threshold: f32, most: usize) -> Vec<usize> {
    let reaching = similarities.iter().enumerate().filter(|(_, similarity)| **similarity >= threshold);
    let mut places: Vec<(usize, f32)> = reaching.map(|(place, similarity)| (place, *similarity)).collect();
    places.sort_by(|a, b| b.1.total_cmp(&a.1));
    places.into_iter().take(most).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offered_tools_are_read_in_either_shape() {
        let json = r#"[
            {"type": "function", "function": {"name": "now", "description": "Tells the time"}},
            {"type": "function", "name": "here", "description": 7},
            {"type": "web_search"},
            "nonsense",
            {"function": {"name": 7}}
        ]"#;
        let tool = |name: &str, description: &str| OfferedTool { name: name.into(), description: description.into() };
        assert_eq!(offered(json), [tool("now", "Tells the time"), tool("here", "")]);
        assert_eq!(offered(json)[0].text(), "now Tells the time");
        assert_eq!(offered(json)[1].text(), "here");
        assert!(offered("null").is_empty() && offered("{").is_empty());
    }

    #[test]
    fn a_choice_is_free_unless_the_client_makes_it() {
        for (choice, free) in [
            (None, true),
            (Some("null"), true),
            (Some("\"auto\""), true),
            (Some("\"none\""), false),
            (Some("\"required\""), false),
            (Some(r#"{"type":"function"}"#), false),
        ] {
            assert_eq!(is_free_choice(choice), free, "{choice:?}");
        }
    }

    #[test]
    fn a_database_is_read_and_its_faults_are_named() {
        let bytes = br#"[{"tool": {"function": {"name": "a", "description": "own"}}, "tags": []},
            {"tool": {"function": {"name": "b"}}, "description": "given"}]"#;
        let tools = database(bytes).unwrap();
        let read: Vec<_> = tools.iter().map(|tool| (tool.name.as_str(), tool.description.as_str())).collect();
        assert_eq!(read, [("a", "own"), ("b", "given")]);
        assert!(database(b"{}").unwrap_err().starts_with("the tools database is no JSON array: "));
        for entry in [
            r#"{"description": "x"}"#,
            r#"{"tool": {"function": {"name": "c"}}}"#,
            r#"{"tool": {}, "description": "x"}"#,
        ] {
            let message = database(format!("[{entry}]").as_bytes()).unwrap_err();
            assert_eq!(message, "entry 1 of the tools database has no tool with a name, or no description");
        }
    }

    #[test]
    fn the_best_come_first() {
        assert_eq!(best(&[0.1, 0.9, 0.5, 0.9], 0.2, 9), [1, 3, 2]);
        assert_eq!(best(&[0.1, 0.9, 0.5], 0.2, 1), [1]);
        assert_eq!(best(&[0.1, f32::NAN], 0.2, 1), [] as [usize; 0]);
    }
}
