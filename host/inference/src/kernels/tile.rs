//! The register tile: a few rows times a few vectors of a packed panel, with every sum in a register.

use super::{
    dispatch::Kernel,
    dot::Dot,
    lanes::Lanes,
    panels::{Layout, Panel},
};
use std::sync::atomic::{Ordering, compiler_fence};

/// No instruction set has larger tiles, in rows and in columns.
pub(super) const HIGHEST: usize = 8;
const WIDEST: usize = 48;

/// The sums of one tile, row after row. Nearly always the innermost cache has them still when they are read.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Sums([f32; HIGHEST * WIDEST]);

impl Default for Sums {
    fn default() -> Self {
        Self([0.0; HIGHEST * WIDEST])
    }
}

impl Sums {
    /// The sums of each row of the tile.
    #[inline(always)]
    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.0.chunks_exact(WIDEST)
    }
}

/// Some rows times one panel.
pub(super) struct Tile<'a> {
    /// Starts with the tile's first row; the next one follows after `stride` units.
    pub(super) rows: &'a [u32],
    pub(super) stride: usize,
    pub(super) height: usize,
    pub(super) layout: &'a Layout,
    pub(super) panel: Panel,
    pub(super) units: &'a [u32],
    /// What to fetch into the cache meanwhile.
    pub(super) ahead: &'a [u32],
}

impl Tile<'_> {
    /// Fills `sums`.
    #[inline(always)]
    pub(super) fn multiply<D: Dot>(&self, dot: D, sums: &mut Sums) {
        dot.run(Multiply { tile: self, sums });
    }
}

struct Multiply<'a> {
    tile: &'a Tile<'a>,
    sums: &'a mut Sums,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cognitive_complexity, reason = "one arm for each size of tile")]
    fn run<D: Dot>(self, dot: D) {
        macro_rules! sizes {
            ($($rows:literal)+) => {
                match (self.tile.height, self.tile.panel.vectors) {
                    $(
                        ($rows, 1) if D::ROWS >= $rows && D::VECTORS >= 1 => self.sized::<D, $rows, 1>(dot),
                        ($rows, 2) if D::ROWS >= $rows && D::VECTORS >= 2 => self.sized::<D, $rows, 2>(dot),
                        ($rows, 3) if D::ROWS >= $rows && D::VECTORS >= 3 => self.sized::<D, $rows, 3>(dot),
                        ($rows, 4) if D::ROWS >= $rows && D::VECTORS >= 4 => self.sized::<D, $rows, 4>(dot),
                    )+
                    _ => debug_assert!(false, "no tile of {} rows", self.tile.height),
                }
            };
        }
        sizes!(1 2 3 4 5 6 7 8);
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn sized<D: Dot, const ROWS: usize, const VECTORS: usize>(self, dot: D) {
        let Tile { rows, stride, layout: &Layout { depth, width, .. }, units, ahead, .. } = *self.tile;
        let count = D::Lanes::COUNT;
        assert!(rows.len() >= (ROWS - 1) * stride + depth);
        assert!(units.len() >= depth * width && width >= VECTORS * count);
        let (rows, mut panel) = (rows.as_ptr(), units.as_ptr());
        let step = D::PACE * ahead.len().div_ceil(depth.max(1));
        let mut ahead = ahead.as_ptr();
        let mut sums = [[dot.zero(); VECTORS]; ROWS];
        for unit in 0..depth {
            if unit % D::PACE == 0 {
                dot.lanes().prefetch(ahead);
                if step > LINE {
                    dot.lanes().prefetch(ahead.wrapping_add(LINE));
                    dot.lanes().prefetch(ahead.wrapping_add(2 * LINE));
                }
                ahead = ahead.wrapping_add(step);
            }
            let mut weights = [dot.splat(0); VECTORS];
            for (vector, weights) in weights.iter_mut().enumerate() {
                // SAFETY: at most `depth * width` units from the panel's start, which was checked to be as long.
                *weights = unsafe { dot.load(panel.add(vector * count)) };
            }
            panel = panel.wrapping_add(width);
            for (row, sums) in sums.iter_mut().enumerate() {
                // SAFETY: within the rows, whose length was checked.
                let activation = dot.splat(unsafe { *rows.add(row * stride + unit) });
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = dot.dot(*sum, activation, weights);
                }
                // Else the compiler loads all activations first, for which there are not enough registers.
                compiler_fence(Ordering::SeqCst);
            }
        }
        for (sums, to) in sums.into_iter().zip(self.sums.0.chunks_exact_mut(WIDEST)) {
            for (sum, to) in sums.into_iter().zip(to.chunks_exact_mut(count)) {
                dot.lanes().store(dot.floats(sum), to);
            }
        }
    }
}

/// Units in a cache line.
const LINE: usize = 16;

/// Cuts rows into tiles of nearly the same height, each at most `highest`: the first row of each, and its height.
#[inline(always)]
pub(super) fn tiles(rows: usize, highest: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(highest);
    let (height, higher) = (rows / count.max(1), rows % count.max(1));
    (0..count).map(move |tile| (tile * height + tile.min(higher), height + usize::from(tile < higher)))
}
