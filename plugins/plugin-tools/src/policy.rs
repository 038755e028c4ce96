//! From what a decision says about tools to edits. Needs no host.

use trackside_sdk::tools::{self, KnownTool};
use trackside_sdk::{Edit, Failure, FieldValue, failure};

use crate::settings::{Mode, Settings};
use crate::{history, no_tools};

/// What a decision says about tools, checked.
#[derive(Debug)]
pub(crate) struct Policy(Settings);

impl Policy {
    /// # Errors
    /// A mode `filtered` that filters nothing, or lists that no other mode reads.
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        let invalid = |what: &str| Err(failure("invalid-settings", what));
        let lists = !(settings.allow_tools.is_empty() && settings.block_tools.is_empty());
        match settings.mode {
            _ if !settings.enabled => {}
            Mode::Filtered if !lists => return invalid("mode `filtered` takes allow_tools or block_tools"),
            Mode::None | Mode::Passthrough if lists => {
                return invalid("allow_tools and block_tools are for mode `filtered`");
            }
            Mode::Passthrough | Mode::Filtered if settings.strip_tool_history => {
                return invalid("strip_tool_history is for mode `none`");
            }
            _ => {}
        }
        Ok(Self(settings))
    }

    /// Whether tools may be picked from a database.
    pub(crate) fn selects(&self) -> bool {
        self.0.enabled && self.0.semantic_selection && self.0.mode != Mode::None
    }

    /// The edits; `field` reads a field at the top of the client's body.
    pub(crate) fn edits(&self, field: &dyn Fn(&str) -> Option<String>) -> Vec<Edit> {
        match self.0.mode {
            _ if !self.0.enabled => Vec::new(),
            Mode::Passthrough => Vec::new(),
            Mode::None => {
                let history = self.0.strip_tool_history.then(|| history::without_tools(&field("messages")?)).flatten();
                no_tools().chain(history.map(|messages| set("messages", messages))).collect()
            }
            Mode::Filtered => {
                let offered = tools::offered(&field("tools").unwrap_or_default());
                let names = offered.iter().map(|tool| &tool.name);
                let kept: Vec<String> = names.filter(|name| self.allows(name)).cloned().collect();
                if kept.len() == offered.len() { Vec::new() } else { vec![Edit::RetainTools(kept)] }
            }
        }
    }

    /// The edits that put the best tools of the database in the place of those offered.
    pub(crate) fn selected(&self, database: &[KnownTool], similarities: &[f32]) -> Vec<Edit> {
        let best = tools::best(similarities, self.0.similarity_threshold, self.0.top_k);
        let tools = best.into_iter().filter_map(|place| database.get(place)).filter(|tool| self.allows(&tool.name));
        let tools: Vec<&str> = tools.map(|tool| tool.json.as_str()).collect();
        if tools.is_empty() { no_tools().collect() } else { vec![set("tools", format!("[{}]", tools.join(",")))] }
    }

    fn allows(&self, name: &str) -> bool {
        let among = |names: &[String]| names.iter().any(|one| one.trim().eq_ignore_ascii_case(name.trim()));
        !among(&self.0.block_tools) && (self.0.allow_tools.is_empty() || among(&self.0.allow_tools))
    }
}

fn set(name: &str, json: String) -> Edit {
    Edit::SetField(FieldValue { path: vec![name.to_owned()], json })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(settings: Value) -> Result<Policy, Failure> {
        Policy::new(serde_json::from_value(settings).unwrap())
    }

    fn edits(settings: Value, body: &Value) -> Vec<String> {
        let edits = policy(settings).unwrap().edits(&|name| body.get(name).map(Value::to_string));
        edits.iter().map(|edit| format!("{edit:?}")).collect()
    }

    fn offering(names: &[&str]) -> Value {
        let tool = |name: &&str| json!({"type": "function", "function": {"name": name}});
        json!({"tools": names.iter().map(tool).collect::<Vec<_>>()})
    }

    #[test]
    fn tools_are_kept_by_name() {
        let body = offering(&["read", "write", "shell"]);
        let filtered = |allow: &[&str], block: &[&str]| {
            edits(json!({"mode": "filtered", "allow_tools": allow, "block_tools": block}), &body)
        };
        assert_eq!(filtered(&["read"], &[]), [r#"Edit::RetainTools(["read"])"#]);
        assert_eq!(filtered(&[], &["shell"]), [r#"Edit::RetainTools(["read", "write"])"#]);
        assert_eq!(filtered(&["read", "shell"], &["Shell "]), [r#"Edit::RetainTools(["read"])"#]);
        assert_eq!(filtered(&["search"], &[]), ["Edit::RetainTools([])"]);
        assert_eq!(filtered(&[], &["search"]), [] as [&str; 0]);
        assert_eq!(edits(json!({"mode": "filtered", "allow_tools": ["x"]}), &json!({})), [] as [&str; 0]);
    }

    #[test]
    fn tools_stay_unless_something_is_said() {
        let body = offering(&["read"]);
        for settings in [json!({}), json!({"mode": "passthrough"}), json!({"mode": "none", "enabled": false})] {
            assert_eq!(edits(settings.clone(), &body), [] as [&str; 0], "{settings}");
        }
    }

    #[test]
    fn all_tools_go_with_what_refers_to_them() {
        let removed = ["tools", "tool_choice", "parallel_tool_calls"];
        let mut expected: Vec<String> = removed.iter().map(|name| format!("Edit::RemoveField([{name:?}])")).collect();
        let mut body = offering(&["read"]);
        body["messages"] = json!([{"role": "user", "content": "u"}, {"role": "tool", "content": "t"}]);
        assert_eq!(edits(json!({"mode": "none"}), &body), expected);
        let messages = json!([{"role": "user", "content": "u"}]).to_string();
        expected.push(format!("{:?}", set("messages", messages)));
        let stripped = edits(json!({"mode": "none", "strip_tool_history": true}), &body);
        assert_eq!(stripped, expected);
    }

    #[test]
    fn the_best_tools_of_the_database_take_the_place_of_others() {
        let known = |name: &str| KnownTool {
            name: name.into(),
            description: name.into(),
            json: format!("{{\"name\":{name:?}}}"),
        };
        let database = ["time", "maps", "mail"].map(known);
        let selected = |settings: Value, similarities: &[f32]| {
            let edits = policy(settings).unwrap().selected(&database, similarities);
            edits.iter().map(|edit| format!("{edit:?}")).collect::<Vec<_>>()
        };
        let two = set("tools", r#"[{"name":"mail"},{"name":"time"}]"#.into());
        assert_eq!(selected(json!({}), &[0.3, 0.1, 0.6]), [format!("{two:?}")]);
        let one = set("tools", r#"[{"name":"mail"}]"#.into());
        assert_eq!(selected(json!({"top_k": 1}), &[0.3, 0.1, 0.6]), [format!("{one:?}")]);
        assert_eq!(selected(json!({"similarity_threshold": 0.5}), &[0.3, 0.1, 0.6]), [format!("{one:?}")]);
        assert_eq!(selected(json!({}), &[0.0, 0.1, 0.0]).len(), 3, "none fits: no tools at all");
    }

    #[test]
    fn settings_that_nothing_reads_are_refused() {
        for (settings, expected) in [
            (json!({"mode": "filtered"}), "mode `filtered` takes allow_tools or block_tools"),
            (json!({"mode": "none", "allow_tools": ["a"]}), "allow_tools and block_tools are for mode `filtered`"),
            (json!({"block_tools": ["a"]}), "allow_tools and block_tools are for mode `filtered`"),
            (json!({"strip_tool_history": true}), "strip_tool_history is for mode `none`"),
        ] {
            assert_eq!(policy(settings).unwrap_err().message, expected);
        }
        assert!(policy(json!({"enabled": false, "mode": "filtered"})).is_ok());
    }
}
