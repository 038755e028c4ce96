//! What a forward pass writes to on its way.

use crate::kernels::{Aligned, Room, Rows};

/// Buffers for one forward pass at a time. They grow to the longest text seen, and stay.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) hidden: Aligned<f32>,
    pub(super) projected: Aligned<f32>,
    pub(super) attended: Aligned<f32>,
    pub(super) inner: Aligned<f32>,
    pub(super) added: Aligned<f32>,
    pub(super) rows: Rows,
    pub(super) room: Room,
}
