//! The component that serves the plugin type `system_prompt`: replaces the system message of a routed request, or adds
//! to it.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Component, Edit, Failure, RequestHead, RequestPlugin, Route, Verdict};

/// Settings of one decision's system prompt.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    enabled: bool,
    /// The text. An empty one changes nothing.
    #[serde(default)]
    system_prompt: String,
    /// `insert` or `prepend` (in front of an existing system message; the default), `append` (behind it), or `replace`.
    /// Any other word replaces, too.
    #[serde(default)]
    mode: String,
}

/// The configured plugin: the edit to make, if there is one.
#[derive(Debug)]
pub struct SystemPrompt(Option<Edit>);

impl Component for SystemPrompt {
    type Settings = Settings;
    const SERVES: &'static str = "system_prompt";

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let text = settings.system_prompt;
        if !settings.enabled || text.is_empty() {
            return Ok(Self(None));
        }
        Ok(Self(Some(match settings.mode.as_str() {
            "" | "insert" | "prepend" => Edit::PrependSystemPrompt(text),
            "append" => Edit::AppendSystemPrompt(text),
            _ => Edit::SetSystemPrompt(text),
        })))
    }
}

impl RequestPlugin for SystemPrompt {
    fn on_request(&self, _head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        Ok(Verdict::Proceed(self.0.iter().cloned().collect()))
    }
}

trackside_sdk::export!(request-plugin: SystemPrompt);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(settings: serde_json::Value) -> String {
        let settings = serde_json::from_value(settings).unwrap();
        let edit = SystemPrompt::configure(settings).unwrap().0;
        edit.map_or("nothing".into(), |edit| format!("{edit:?}"))
    }

    #[test]
    fn the_mode_decides_the_edit() {
        let table = [
            (json!({"system_prompt": "p"}), r#"Edit::PrependSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": ""}), r#"Edit::PrependSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": "insert"}), r#"Edit::PrependSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": "prepend"}), r#"Edit::PrependSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": "append"}), r#"Edit::AppendSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": "replace"}), r#"Edit::SetSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "mode": "INSERT"}), r#"Edit::SetSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "enabled": true}), r#"Edit::PrependSystemPrompt("p")"#),
            (json!({"system_prompt": "p", "enabled": false}), "nothing"),
            (json!({"system_prompt": "", "mode": "replace"}), "nothing"),
            (json!({}), "nothing"),
        ];
        for (settings, expected) in table {
            assert_eq!(edit(settings.clone()), expected, "{settings}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        let refused = serde_json::from_value::<Settings>(json!({"prompt": "p"})).unwrap_err();
        assert!(refused.to_string().contains("unknown field `prompt`"), "{refused}");
    }
}
