//! The ExtProc service: an LLM gateway shows each HTTP request here, and gets told how it goes on. The service knows the
//! phases and body modes of the protocol, collects and gives back bodies, and leaves every decision to someone else.
//!
//! [`serve`] runs it. [`Live`] and [`Decider`] are the seam to whatever decides; [`Observer`] sees what happens.
//!
//! This crate must never depend on components, models, stores or the configuration file: a gateway's protocol is all it
//! knows.

mod body;
mod conversation;
mod decide;
mod headers;
mod modes;
mod observe;
mod phase;
pub mod proto;
mod reply;
mod server;

pub use decide::{Decider, Live};
pub use observe::{MessageKind, Observer, Outcome};
pub use server::{Limits, MESSAGE_LIMIT, ServeError, serve};
