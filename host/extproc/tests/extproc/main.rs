//! The service over a real socket, with a stand-in that decides.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a broken test may stop")]

mod beside;
mod coding;
mod golden;
mod limits;
mod modes;
mod reassembly;
mod recording;
mod script;
mod stand_in;
mod streams;
mod trust;
