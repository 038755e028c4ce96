//! The component that serves the plugin type `request_params`: removes and limits parameters of a routed request.

mod parameters;

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Component, Failure, RequestHead, RequestPlugin, Route, Verdict, current, failure};

use parameters::Policy;

/// Settings of one decision's request parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    enabled: bool,
    /// Parameters to remove, by their names at the top of the body.
    #[serde(default)]
    blocked_params: Vec<String>,
    /// Most tokens that an answer may have; no limit when left out.
    #[serde(default)]
    max_tokens_limit: Option<u64>,
    /// Most answers to one request; no limit when left out.
    #[serde(default)]
    max_n: Option<u64>,
    /// Whether parameters are removed that are not among the usual ones.
    #[serde(default)]
    strip_unknown: bool,
}

/// The configured plugin.
#[derive(Debug)]
pub struct RequestParams(Option<Policy>);

impl Component for RequestParams {
    type Settings = Settings;
    const SERVES: &'static str = "request_params";

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let Settings { enabled, blocked_params: blocked, max_tokens_limit, max_n, strip_unknown } = settings;
        if let Some(needed) = blocked.iter().find(|name| ["model", "messages"].contains(&name.as_str())) {
            let message = format!("blocked_params has `{needed}`, without which there is no request");
            return Err(failure("invalid-settings", message));
        }
        if blocked.iter().any(String::is_empty) {
            return Err(failure("invalid-settings", "blocked_params has an empty name"));
        }
        Ok(Self(enabled.then_some(Policy { blocked, max_tokens: max_tokens_limit, max_n, strip_unknown })))
    }
}

impl RequestPlugin for RequestParams {
    fn on_request(&self, _head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        let edits = self.0.as_ref().map(|policy| policy.edits(&|path: &[String]| current::field(path)));
        Ok(Verdict::Proceed(edits.unwrap_or_default()))
    }
}

trackside_sdk::export!(request-plugin: RequestParams);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_every_request_needs_cannot_be_blocked() {
        let configure = |settings| RequestParams::configure(serde_json::from_value(settings).unwrap());
        assert!(configure(json!({})).unwrap().0.is_some());
        assert!(configure(json!({"enabled": false})).unwrap().0.is_none());
        for (name, expected) in [
            ("model", "blocked_params has `model`, without which there is no request"),
            ("messages", "blocked_params has `messages`, without which there is no request"),
            ("", "blocked_params has an empty name"),
        ] {
            assert_eq!(configure(json!({"blocked_params": ["seed", name]})).unwrap_err().message, expected);
        }
    }
}
