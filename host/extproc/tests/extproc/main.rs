//! The service over a real socket, with a stand-in that decides.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a broken test may stop")]

mod echo;
mod golden;
mod modes;
mod recording;
mod script;
mod stand_in;
mod streams;
