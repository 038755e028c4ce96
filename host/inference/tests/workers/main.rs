//! The workers: their queue, their memory, and a real encoder under load.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gate;
mod load;
mod memo;
mod queue;
