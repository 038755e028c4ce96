//! The component that serves the plugin type `fast_response`: answers a request at once, without any model. It is how a
//! decision refuses what it does not want.

mod answer;

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Component, Failure, Reply, RequestHead, RequestPlugin, Route, Verdict, clock, current, failure};

use answer::Answer;

/// Settings of one decision's fast response.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    enabled: bool,
    /// What the assistant says.
    message: String,
}

/// The configured plugin.
#[derive(Debug)]
pub struct FastResponse(Option<String>);

impl Component for FastResponse {
    type Settings = Settings;
    const SERVES: &'static str = "fast_response";

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let Settings { enabled, message } = settings;
        if enabled && message.is_empty() {
            return Err(failure("invalid-settings", "the message is empty"));
        }
        Ok(Self(enabled.then_some(message)))
    }
}

impl RequestPlugin for FastResponse {
    fn on_request(&self, head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        let Some(message) = &self.0 else { return Ok(Verdict::Proceed(Vec::new())) };
        let created = clock::unix_ms() / 1000;
        let answer = Answer { id: &head.id, created, model: &head.model, message };
        let (kind, body) = if head.streaming {
            let path = ["stream_options", "include_usage"].map(str::to_owned);
            let usage = current::field(&path).is_some_and(|wanted| wanted == "true");
            ("text/event-stream", answer.events(usage))
        } else {
            ("application/json", answer.json())
        };
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Ok(Verdict::Respond(Reply { status: 200, headers, body }))
    }
}

trackside_sdk::export!(request-plugin: FastResponse);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_needed() {
        let configure = |settings| FastResponse::configure(serde_json::from_value(settings).unwrap());
        assert_eq!(configure(json!({"message": "no"})).unwrap().0.as_deref(), Some("no"));
        assert_eq!(configure(json!({"message": "no", "enabled": false})).unwrap().0, None);
        assert_eq!(configure(json!({"message": ""})).unwrap_err().message, "the message is empty");
        let refused = serde_json::from_value::<Settings>(json!({})).unwrap_err().to_string();
        assert!(refused.contains("missing field `message`"), "{refused}");
    }
}
