//! The arithmetic of an encoder on the vector instructions of this machine, behind safe functions.
//!
//! [`Engine`] says what is used. This is the one module of the crate with unsafe code.
#![allow(unsafe_code)] // Vector instructions, and unchecked reads of packed weights, are what makes it fast.

mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buffer;
mod dispatch;
mod dot;
mod engine;
mod lanes;
mod linear;
mod neighbours;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norm;
mod panels;
mod portable;
mod rows;
mod slab;
#[cfg(test)]
pub(crate) mod tests;
mod tile;

pub(crate) use attention::{BLOCK_START, Heads, Room};
pub(crate) use buffer::Aligned;
pub use engine::{Engine, Instructions, NoEngine, Precision, UnknownName};
pub(crate) use lanes::padded;
pub(crate) use linear::{Activation, Channel, Input, Linear};
pub(crate) use neighbours::{dot_rows_f32, dot_rows_i8};
pub(crate) use norm::Norm;
pub(crate) use rows::Rows;
pub(crate) use slab::Slab;
