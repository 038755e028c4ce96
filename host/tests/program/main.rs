//! The program as its users meet it: the command line, the ports, the log, the end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod changing;
mod cli;
mod components;
mod configuration;
mod eval;
mod gateway;
mod generations;
mod hub;
mod models;
mod process;
mod profiles;
mod schema;
mod serve;
mod tls;
mod traces;
mod trust;
mod uploads;
