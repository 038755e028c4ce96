//! Changing a chat completion body.

use super::fields::MAX_REPEATS;
use super::patch::Patch;
use super::prompt::Placement;
use super::request::{self, ChatRequest};
use crate::error::BadRequest;
use crate::json::{JsonError, MAX_DEPTH, Scanner, text};
use bytes::Bytes;

/// Changes to one body, in order; each sees the body as the ones before it left it.
///
/// What no edit names leaves as it came, byte for byte. Rules that follow from there being one order:
/// - On one field the later edit wins. Setting `messages` undoes earlier prompt edits.
/// - Prompts that end up empty add no message.
/// - Where a key is repeated, every occurrence changes, so that the edit holds whichever of them a server reads.
/// - A new field goes behind the last one (several in the order of their names), with the blanks that the body uses.
/// - What is rendered can be parsed again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Set { path: Vec<String>, json: String },
    Remove { path: Vec<String> },
    Prompt(Placement, String),
    RetainTools(Vec<String>),
}

/// An edit that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A path without any key.
    #[error("a field's path must name at least one key")]
    EmptyPath,
    /// The new value is not exactly one JSON value.
    #[error("the value for field `{field}` is not JSON: {source}")]
    InvalidJson {
        /// The field, its keys joined by dots.
        field: String,
        /// What is wrong with the value.
        source: JsonError,
    },
    /// The new value is JSON that this field cannot hold.
    #[error("the value for field `{field}` cannot be used: {source}")]
    InvalidValue {
        /// The field.
        field: String,
        /// What is wrong with the value.
        source: BadRequest,
    },
    /// The path goes on below a field that never is an object.
    #[error("field `{field}` has no fields of its own: set it as a whole")]
    NoObject {
        /// The field.
        field: String,
    },
    /// A body without this field is no request.
    #[error("field `{field}` is required and cannot be removed")]
    Required {
        /// The field.
        field: String,
    },
    /// The path has more keys than a body may have levels.
    #[error("a field's path has {keys} keys, at most {MAX_DEPTH} can be used")]
    TooDeep {
        /// How many keys it has.
        keys: usize,
    },
    /// The client's body repeats an edited key too often. The client's fault, not the edit's.
    #[error("the body repeats field `{field}` more than {MAX_REPEATS} times in one object")]
    Repeated {
        /// The key.
        field: String,
    },
    /// The edited body would be over 4 GiB.
    #[error("the edited body would have {bytes} bytes, at most 4 GiB can be sent")]
    TooLarge {
        /// How long it would be.
        bytes: usize,
    },
}

impl Edits {
    /// Asks for another model. An empty name is none and changes nothing.
    pub fn set_model(&mut self, name: &str) {
        if !name.is_empty() {
            self.0.push(Edit::Set { path: vec!["model".to_owned()], json: text::quote(name) });
        }
    }

    /// Replaces the system prompt: the content of the first message when its role is `system` or `developer`. Otherwise
    /// a system message is put in front.
    pub fn set_system_prompt(&mut self, text: &str) {
        self.prompt(Placement::Whole, text);
    }

    /// Puts `text` and a blank line before the system prompt, or adds one as [`set_system_prompt`](Edits::set_system_prompt)
    /// does. Content in parts gets one more text part in front; the bytes of the others stay. An empty text changes nothing.
    pub fn prepend_system_prompt(&mut self, text: &str) {
        self.prompt(Placement::Before, text);
    }

    /// Puts a blank line and `text` behind the system prompt; in everything else like
    /// [`prepend_system_prompt`](Edits::prepend_system_prompt).
    pub fn append_system_prompt(&mut self, text: &str) {
        self.prompt(Placement::Behind, text);
    }

    /// Sets a field to a JSON value, by object keys from the top. What is missing on the way is made, and what is no
    /// object on the way is replaced by one.
    ///
    /// # Errors
    /// When `json` is not exactly one JSON value, when the path is empty or too long, when it leads below `model`,
    /// `messages`, `stream` or `tools`, and when the value would make the body one that [`ChatRequest::parse`] refuses.
    pub fn set_field(&mut self, path: &[String], json: &str) -> Result<(), EditError> {
        let field = reachable(path)?;
        let value = read_value(path, field, json)?;
        self.0.push(Edit::Set { path: path.to_vec(), json: value.to_owned() });
        Ok(())
    }

    /// Removes a field, by object keys from the top. One that does not exist is no error.
    ///
    /// # Errors
    /// When the path is empty or too long, when it leads below `model`, `messages`, `stream` or `tools`, and when the
    /// field is `model` or `messages`.
    pub fn remove_field(&mut self, path: &[String]) -> Result<(), EditError> {
        match reachable(path)? {
            field @ ("model" | "messages") => Err(EditError::Required { field: field.to_owned() }),
            _ => {
                self.0.push(Edit::Remove { path: path.to_vec() });
                Ok(())
            }
        }
    }

    /// Keeps only the tools with these names. When none is left, `tools` and `tool_choice` go; when the tool that
    /// `tool_choice` asks for is gone, `tool_choice` goes.
    pub fn retain_tools(&mut self, names: &[String]) {
        self.0.push(Edit::RetainTools(names.to_vec()));
    }

    /// Whether there is no edit. Edits that turn out to change nothing count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The edited body. When nothing changes these are the request's own bytes, without a copy.
    ///
    /// # Errors
    /// [`EditError::Repeated`] and [`EditError::TooLarge`]; all else was checked when the edit was added.
    pub fn render(&self, request: &ChatRequest) -> Result<Bytes, EditError> {
        if self.is_empty() {
            return Ok(request.body().clone());
        }
        let patch = Patch::fold(&self.0, request);
        let splices = patch.splices(request)?;
        if splices.is_empty() {
            return Ok(request.body().clone());
        }
        match splices.length() {
            bytes if u32::try_from(bytes).is_err() => Err(EditError::TooLarge { bytes }),
            _ => Ok(splices.apply().into()),
        }
    }

    fn prompt(&mut self, placement: Placement, text: &str) {
        self.0.push(Edit::Prompt(placement, text.to_owned()));
    }
}

/// The top-level field that a path leads to or through.
fn reachable(path: &[String]) -> Result<&str, EditError> {
    match path {
        [] => Err(EditError::EmptyPath),
        [..] if path.len() > MAX_DEPTH => Err(EditError::TooDeep { keys: path.len() }),
        [field] => Ok(field),
        [field, ..] if matches!(field.as_str(), "model" | "messages" | "stream" | "tools") => {
            Err(EditError::NoObject { field: field.clone() })
        }
        [field, ..] => Ok(field),
    }
}

/// The one value in `json`, without blanks around it.
fn read_value<'j>(path: &[String], field: &str, json: &'j str) -> Result<&'j str, EditError> {
    let invalid = |source| EditError::InvalidJson { field: path.join("."), source };
    let mut scanner = Scanner::open(json.as_bytes(), path.len()).map_err(invalid)?;
    let value = scanner.value().map_err(invalid)?.text(json.as_bytes());
    scanner.end().map_err(invalid)?;
    if path.len() == 1 {
        request::check(field, value)
            .map_err(|source| EditError::InvalidValue { field: field.to_owned(), source: *source })?;
    }
    Ok(value)
}
