//! From a route to edits: which field says "reason" to this model, and what it must say.

use serde_json::json;
use trackside_sdk::{Edit, FieldValue, Route};

use crate::settings::{Dialect, Family, Kind, Settings};

const EFFORT: &str = "reasoning_effort";
const KWARGS: &str = "chat_template_kwargs";

/// Reads a field of the client's body as JSON text.
pub(crate) type Field<'a> = &'a dyn Fn(&[String]) -> Option<String>;

/// The edits that make the request say what the decision wants; none for what the client already says.
pub(crate) fn edits(settings: &Settings, route: &Route, field: Field<'_>) -> Vec<Edit> {
    let mut body = Body { field, edits: Vec::new() };
    let effort = route.reasoning_effort.as_ref().or(settings.default_effort.as_ref());
    let effort = json!(effort.map_or("medium", String::as_str)).to_string();
    match settings.model(&route.model) {
        Some((family, dialect)) if route.use_reasoning => body.switch_on(family, dialect, &effort),
        Some((family, dialect)) => body.switch_off(family, dialect),
        // A model without a family knows nothing of effort, whatever the client thought it was talking to.
        None => body.remove(&[EFFORT]),
    }
    body.edits
}

struct Body<'a> {
    field: Field<'a>,
    edits: Vec<Edit>,
}

impl Body<'_> {
    fn switch_on(&mut self, family: &Family, dialect: Dialect, effort: &str) {
        let parameter = family.parameter.as_str();
        match (dialect, family.kind) {
            (Dialect::DeepSeek, _) => {
                self.remove(&[KWARGS]);
                self.set(&["thinking"], r#"{"type":"enabled"}"#);
                self.set(&[EFFORT], effort);
            }
            (_, Kind::ChatTemplateKwargs) => {
                self.remove(&[EFFORT]);
                self.set(&[KWARGS, parameter], "true");
            }
            (Dialect::Template, Kind::ReasoningEffort) => {
                self.remove(&[EFFORT]);
                self.set(&[KWARGS, parameter], effort);
            }
            (Dialect::Official, Kind::ReasoningEffort) => {
                if parameter != EFFORT {
                    self.remove(&[EFFORT]);
                }
                self.set(&[parameter], effort);
            }
            (_, Kind::TopLevelReasoningEffort) => {
                self.remove(&[KWARGS, EFFORT]);
                self.set(&[EFFORT], effort);
            }
        }
    }

    fn switch_off(&mut self, family: &Family, dialect: Dialect) {
        let parameter = family.parameter.as_str();
        match (dialect, family.kind) {
            (Dialect::DeepSeek, _) => {
                self.remove(&[KWARGS]);
                self.remove(&[EFFORT]);
                self.set(&["thinking"], r#"{"type":"disabled"}"#);
            }
            (_, Kind::ChatTemplateKwargs) => {
                self.remove(&[EFFORT]);
                self.set(&[KWARGS, parameter], "false");
            }
            (Dialect::Template, Kind::ReasoningEffort) => {
                let effort = self.read(&[EFFORT]).filter(|effort| effort.starts_with('"'));
                self.remove(&[EFFORT]);
                self.set(&[KWARGS, parameter], effort.as_deref().unwrap_or(r#""low""#));
            }
            // The service has its own default, and the client may have asked for more or less than that.
            (Dialect::Official, Kind::ReasoningEffort) => {}
            (_, Kind::TopLevelReasoningEffort) => self.remove(&[KWARGS, EFFORT]),
        }
    }

    fn set(&mut self, path: &[&str], json: &str) {
        if self.read(path).as_deref() != Some(json) {
            self.edits.push(Edit::SetField(FieldValue { path: owned(path), json: json.into() }));
        }
    }

    fn remove(&mut self, path: &[&str]) {
        if self.read(path).is_some() {
            self.edits.push(Edit::RemoveField(owned(path)));
        }
    }

    fn read(&self, path: &[&str]) -> Option<String> {
        (self.field)(&owned(path))
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|key| (*key).to_owned()).collect()
}

#[cfg(test)]
mod tests;
