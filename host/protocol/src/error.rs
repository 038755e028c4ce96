//! Faults of a client's request, and the OpenAI shape of an error answer.

use crate::json::{JsonError, Kind};

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not a JSON object.
    InvalidJson,
    /// A field that must be there is not.
    Missing,
    /// A field holds another type than it must.
    WrongType,
    /// A field has the right type and a value that cannot be used.
    InvalidValue,
}

impl Fault {
    /// The machine-readable word for it, sent as the error's `code`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Fault::InvalidJson => "invalid_json",
            Fault::Missing => "missing_required_parameter",
            Fault::WrongType => "invalid_type",
            Fault::InvalidValue => "invalid_value",
        }
    }
}

/// A body that cannot be read as what its endpoint promises. The first problem in the order of the bytes is reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// What is wrong and what was expected, for the client. Quotes nothing of the body.
    pub message: String,
    /// The field at fault, such as `messages[2].role`; absent when the whole body is.
    pub param: Option<String>,
    /// Where in the body, in bytes from its start; absent when something is missing.
    pub offset: Option<usize>,
    /// The kind of problem.
    pub fault: Fault,
}

impl BadRequest {
    /// The error answer's body, in the OpenAI shape.
    #[must_use]
    pub fn openai_json(&self) -> String {
        openai_error("invalid_request_error", &self.message, self.param.as_deref(), Some(self.fault.code()))
    }

    pub(crate) fn missing(param: impl Into<String>) -> BadRequest {
        let param = param.into();
        BadRequest {
            message: format!("`{param}` is required"),
            param: Some(param),
            offset: None,
            fault: Fault::Missing,
        }
    }

    pub(crate) fn wrong_type(param: String, expected: &str, found: Kind, offset: usize) -> BadRequest {
        BadRequest {
            message: format!("`{param}` must be {expected}, not {found}"),
            param: Some(param),
            offset: Some(offset),
            fault: Fault::WrongType,
        }
    }

    pub(crate) fn empty_text(param: &str, offset: usize) -> BadRequest {
        BadRequest {
            message: format!("`{param}` must not be empty"),
            param: Some(param.to_owned()),
            offset: Some(offset),
            fault: Fault::InvalidValue,
        }
    }

    pub(crate) fn not_an_object(found: Option<Kind>, offset: usize) -> BadRequest {
        let found = found.map(|kind| format!(", not {kind}")).unwrap_or_default();
        BadRequest {
            message: format!("the body must be a JSON object{found}"),
            param: None,
            offset: Some(offset),
            fault: Fault::InvalidJson,
        }
    }

    pub(crate) fn empty_body() -> BadRequest {
        BadRequest {
            message: "the body is empty, expected a JSON object".to_owned(),
            param: None,
            offset: Some(0),
            fault: Fault::InvalidJson,
        }
    }
}

impl From<JsonError> for BadRequest {
    fn from(error: JsonError) -> BadRequest {
        BadRequest {
            message: format!("the body is not valid JSON: {error}"),
            param: None,
            offset: Some(error.offset),
            fault: Fault::InvalidJson,
        }
    }
}

/// On the way up through a text it is a pointer: what is returned for each value is small then.
impl From<JsonError> for Box<BadRequest> {
    fn from(error: JsonError) -> Box<BadRequest> {
        Box::new(error.into())
    }
}

/// An error answer's body in the OpenAI shape. `kind` is the error's `type`, such as `invalid_request_error` or
/// `server_error`; what is `None` is sent as `null`, as the original API does.
#[must_use]
pub fn openai_error(kind: &str, message: &str, param: Option<&str>, code: Option<&str>) -> String {
    serde_json::json!({"error": {"message": message, "type": kind, "param": param, "code": code}}).to_string()
}
