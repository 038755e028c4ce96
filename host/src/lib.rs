//! The wiring of the program: it reads the command line, joins the crates below to each other, and serves.
//!
//! Know [`cli`], which has a module for each command; `assemble`, which turns a configuration into a snapshot;
//! `reload`, which makes the next one and publishes it; and `server`, which listens. Nothing here decides about a request: that is `trackside-routing`.

mod api;
mod assemble;
pub mod cli;
mod cores;
pub mod exit;
mod gateway;
mod listen;
mod material;
mod phase;
mod reload;
mod server;
mod shutdown;
mod stamp;
mod traces;
mod train;
mod user_cache;
mod watch;
