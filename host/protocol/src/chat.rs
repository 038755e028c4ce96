//! Chat completion bodies.

mod edit;
mod facts;
mod fields;
mod patch;
mod prompt;
mod request;
mod tools;

pub use edit::{EditError, Edits};
pub use facts::{Facts, Messages};
pub use request::{ChatRequest, Message};
pub use tools::Tool;
