//! Memory that starts on a cache line, so that no vector load of a packed operand crosses one.

use super::slab::{Part, Slab};
use std::{fmt, marker::PhantomData, slice};

/// One cache line, the unit of allocation.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u32; LINE]);

const LINE: usize = 16;

/// A type of four bytes for which every bit pattern is a value.
///
/// # Safety
/// The implementor has the size of a `u32`, at most its alignment, and no invalid bit pattern.
pub(crate) unsafe trait Word: Copy {}

// SAFETY: a `u32` is one.
unsafe impl Word for u32 {}
// SAFETY: `f32` has the size and alignment of `u32`, and every bit pattern is a number or a NaN.
unsafe impl Word for f32 {}

/// A zeroed slice of `u32` or `f32` on cache lines of its own. It never shrinks, so that scratch memory settles.
pub(crate) struct Aligned<T> {
    lines: Lines,
    length: usize,
    words: PhantomData<T>,
}

/// Scratch memory has its own, weights share a slab.
enum Lines {
    Own(Vec<Line>),
    Part(Part),
}

impl std::ops::Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match self {
            Self::Own(lines) => lines,
            Self::Part(lines) => lines,
        }
    }
}

impl std::ops::DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Own(lines) => lines,
            Self::Part(lines) => lines,
        }
    }
}

impl<T: Word> Aligned<T> {
    pub(crate) fn zeroed(length: usize) -> Self {
        Self { lines: Lines::Own(vec![Line([0; LINE]); length.div_ceil(LINE)]), length, words: PhantomData }
    }

    /// The same out of a slab.
    pub(crate) fn zeroed_in(slab: &mut Slab, length: usize) -> Self {
        Self { lines: Lines::Part(slab.take(length.div_ceil(LINE))), length, words: PhantomData }
    }

    /// Makes it `length` long. What it holds then is unspecified: zeros, or what it held before.
    pub(crate) fn resize(&mut self, length: usize) -> &mut [T] {
        let needed = length.div_ceil(LINE);
        if needed > self.lines.len() {
            let mut lines = self.lines.to_vec();
            lines.resize(needed, Line([0; LINE]));
            self.lines = Lines::Own(lines);
        }
        self.length = length;
        self
    }
}

impl<T: Word> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `length` words fit into the lines (both ways to set it see to that), which are initialised, and any
        // bits are a `T`, whose alignment is at most a line's.
        unsafe { slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Word> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the borrow of `self` is exclusive, and any `T` leaves valid lines behind.
        unsafe { slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// Numbers as the units that hold them.
pub(super) fn units(numbers: &[f32]) -> &[u32] {
    // SAFETY: `f32` has the size and alignment of `u32`, and any bits are a `u32`.
    unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len()) }
}

impl<T: Word> FromIterator<T> for Aligned<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        let mut aligned = Self::zeroed(values.len());
        aligned.copy_from_slice(&values);
        aligned
    }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { lines: Lines::Own(Vec::new()), length: 0, words: PhantomData }
    }
}

impl<T> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} words", self.length)
    }
}
