//! The component that serves the plugin type `header_mutation`: sets and removes headers of a routed request.

use schemars::JsonSchema;
use serde::Deserialize;
use trackside_sdk::{Component, Edit, Failure, RequestHead, RequestPlugin, Route, Verdict, failure};

/// Settings of one decision's header mutation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the plugin does anything; true when left out.
    #[serde(default = "trackside_sdk::on")]
    enabled: bool,
    /// Headers to set.
    #[serde(default)]
    add: Vec<Header>,
    /// Headers to set, as in `add`; of a name that is in both, this value stays.
    #[serde(default)]
    update: Vec<Header>,
    /// Names of headers to remove.
    #[serde(default)]
    delete: Vec<String>,
}

/// A header.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Its name; case does not matter.
    name: String,
    /// Its value.
    value: String,
}

/// The configured plugin: its edits, which are the same for every request.
#[derive(Debug)]
pub struct HeaderMutation(Vec<Edit>);

impl Component for HeaderMutation {
    type Settings = Settings;
    const SERVES: &'static str = "header_mutation";

    fn configure(settings: Settings) -> Result<Self, Failure> {
        let Settings { enabled, add, update, delete } = settings;
        let set = add.iter().chain(&update);
        for name in set.clone().map(|header| &header.name).chain(&delete) {
            check(is_name(name), || format!("`{name}` is no name for a header"))?;
        }
        for Header { name, value } in set.clone() {
            check(is_value(value), || format!("header `{name}` cannot have a value with control characters"))?;
        }
        let set = set.map(|header| Edit::SetHeader((header.name.clone(), header.value.clone())));
        let removed = delete.iter().map(|name| Edit::RemoveHeader(name.clone()));
        Ok(Self(if enabled { set.chain(removed).collect() } else { Vec::new() }))
    }
}

impl RequestPlugin for HeaderMutation {
    fn on_request(&self, _head: &RequestHead, _route: &Route) -> Result<Verdict, Failure> {
        Ok(Verdict::Proceed(self.0.clone()))
    }
}

fn check(holds: bool, message: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failure("invalid-settings", message())) }
}

/// A token of HTTP.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

trackside_sdk::export!(request-plugin: HeaderMutation);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn configure(settings: Value) -> Result<HeaderMutation, Failure> {
        HeaderMutation::configure(serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn headers_are_set_and_then_removed() {
        let settings = json!({
            "add": [{"name": "x-team", "value": "maths"}],
            "update": [{"name": "X-Team", "value": "physics"}, {"name": "x-tier", "value": "gold, or nearly"}],
            "delete": ["x-debug"],
        });
        let expected = [
            r#"Edit::SetHeader(("x-team", "maths"))"#,
            r#"Edit::SetHeader(("X-Team", "physics"))"#,
            r#"Edit::SetHeader(("x-tier", "gold, or nearly"))"#,
            r#"Edit::RemoveHeader("x-debug")"#,
        ];
        let edits = configure(settings).unwrap().0;
        assert_eq!(edits.iter().map(|edit| format!("{edit:?}")).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn nothing_is_set_when_there_is_nothing_to_set() {
        assert!(configure(json!({})).unwrap().0.is_empty());
        assert!(configure(json!({"enabled": false, "delete": ["x-debug"]})).unwrap().0.is_empty());
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for (settings, expected) in [
            (json!({"add": [{"name": "", "value": "v"}]}), "`` is no name for a header"),
            (json!({"update": [{"name": "x y", "value": "v"}]}), "`x y` is no name for a header"),
            (json!({"delete": [":path"]}), "`:path` is no name for a header"),
            (
                json!({"add": [{"name": "x", "value": "a\r\nb: c"}]}),
                "header `x` cannot have a value with control characters",
            ),
        ] {
            assert_eq!(configure(settings).unwrap_err().message, expected);
        }
    }
}
