//! LLM request bodies: what they ask, and how to change them without touching a byte that no edit names.
//!
//! [`ChatRequest`] is a chat completion body read in one pass, [`Edits`] is a set of changes to one, and [`Endpoint`] says
//! which requests carry such a body. [`BadRequest`] and [`openai_error`] give faults the shape that clients expect.
//!
//! Must never depend on another crate of this workspace: it knows JSON and the client's dialect, not routing.

mod chat;
mod endpoint;
mod error;
mod json;

pub use chat::{ChatRequest, EditError, Edits, Facts, Message, Messages, Tool};
pub use endpoint::Endpoint;
pub use error::{BadRequest, Fault, openai_error};
pub use json::{JsonError, JsonFault, MAX_DEPTH};

#[cfg(test)]
mod tests;
