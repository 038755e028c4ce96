//! The wiring of the program: it reads the command line, joins the crates below to each other, and serves.
//!
//! Know [`cli`], which has a module for each command; `assemble`, which turns a configuration into a snapshot; and
//! `server`, which listens. Nothing here decides about a request: that is `trackside-routing`.

mod api;
mod assemble;
pub mod cli;
pub mod exit;
mod gateway;
mod listen;
mod phase;
mod server;
mod shutdown;
mod traces;
mod train;
