//! The ExtProc service: an LLM gateway shows each HTTP request here, and gets told how it goes on. The service knows the
//! phases and body modes of the protocol, collects, decodes and gives back bodies, keeps to its limits, and leaves every
//! decision to someone else.
//!
//! [`Server`] runs it. [`Live`] and [`Decider`] are the seam to whatever decides; [`Observer`] sees what happens.
//!
//! This crate must never depend on components, models, stores or the configuration file: a gateway's protocol is all it
//! knows.

mod admission;
mod attached;
mod body;
mod codec;
mod conversation;
mod decide;
mod document;
mod encoding;
mod headers;
mod limits;
mod linger;
mod modes;
mod observe;
mod phase;
pub mod proto;
mod reply;
mod server;
mod turn;

pub use admission::Shed;
pub use decide::{Decider, Live};
pub use encoding::Encoding;
pub use limits::{Limits, MESSAGE_LIMIT, Telling};
pub use observe::{Decoded, Flow, MessageKind, Observer, Outcome, Undecided};
pub use server::{ServeError, Server};
