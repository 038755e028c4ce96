//! Dot products in a number format: what a register tile is made of.

use super::{dispatch::Kernel, lanes::Lanes};

/// In a format that is not codes.
pub(super) const MOST_PER_UNIT: usize = 2;

/// A number format on an instruction set. Operands are arrays of 32-bit units, each holding one `f32`, two bf16 or four
/// 8-bit codes; a vector of units has as many lanes as a vector of `f32`.
///
/// As for [`Lanes`], a value is the proof that the machine has the instructions, and every method is `inline(always)`.
pub(super) trait Dot: Copy {
    type Lanes: Lanes;
    type Operand: Copy;
    type Sum: Copy;

    /// Numbers in one unit.
    const PER_UNIT: usize;
    /// How activations become integers; `None` where they stay floating point numbers.
    const CODES: Option<Codes>;
    /// The size of a register tile that leaves no accumulator in memory, in rows and in vectors.
    const ROWS: usize;
    const VECTORS: usize;
    /// Units from one look ahead to the next. Of `f32` a panel has four times the units that it has of codes, so a cache line
    /// is further than a step, and each look takes the place of a load.
    const PACE: usize = if Self::PER_UNIT == 1 { 2 } else { 1 };

    /// Runs a kernel within a function that enables the instructions.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
    fn lanes(self) -> Self::Lanes;
    fn zero(self) -> Self::Sum;
    fn splat(self, unit: u32) -> Self::Operand;
    /// # Safety
    /// A whole vector of units must be readable at `from`, which may have any alignment.
    unsafe fn load(self, from: *const u32) -> Self::Operand;
    /// Adds to each sum the products of a unit's numbers.
    fn dot(self, sum: Self::Sum, row: Self::Operand, panel: Self::Operand) -> Self::Sum;
    fn floats(self, sum: Self::Sum) -> <Self::Lanes as Lanes>::Vector;
    /// Writes a vector of numbers, or of codes not yet rounded, as `COUNT / PER_UNIT` units. There must be room.
    fn encode(self, values: <Self::Lanes as Lanes>::Vector, to: &mut [u32]);

    /// Writes a vector of units, each of which holds the same lane of all rows. There must be room.
    ///
    /// Only attention needs this, and only of formats that are not codes.
    #[inline(always)]
    fn encode_across(self, rows: [<Self::Lanes as Lanes>::Vector; MOST_PER_UNIT], to: &mut [u32]) {
        debug_assert_eq!(Self::PER_UNIT, 1);
        self.encode(rows[0], to);
    }
}

/// Activation codes of a row: the row's minimum becomes `zero`, its maximum `zero + span`.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    pub(super) zero: f32,
    pub(super) span: f32,
}

impl Codes {
    pub(super) const BYTES: Self = Self { zero: 0.0, span: 255.0 };
}
