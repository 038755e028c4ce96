//! The v0.3 configuration file: text in, [`Resolved`] and a [`Report`] of everything there is to say about it out.
//!
//! Start at [`load`]. [`Config`] is a resolved file that still knows where each part stands, so that later stages can
//! point into it; [`Abilities`] is what they know about components. A file may be served when, after
//! [`Config::check_abilities`], its report has no errors.
//!
//! It never depends on another crate of this project.

mod abilities;
mod codes;
mod environment;
mod explain;
mod legacy;
mod load;
mod not_done;
mod path;
mod payload;
mod quantity;
mod render;
mod report;
mod resolve;
mod resolved;
mod schema;
mod shape;
mod spellings;
mod suggest;
mod view;
mod words;
mod yaml;

pub use abilities::Abilities;
pub use codes::CODES;
pub use environment::{Environment, ProcessEnvironment};
pub use explain::{explain, explained};
pub use load::{Config, LoadError, Loaded, Source, base_dir, load, parse};
pub use quantity::{parse_bytes, parse_duration};
pub use report::{Code, Diagnostic, Report, Severity, Span};
pub use resolved::*;
pub use schema::{Declared, schema};
