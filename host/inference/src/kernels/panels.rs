//! The layout of a packed operand: panels of a few vectors' width, so that a tile reads it front to back.

use super::{buffer::Aligned, dot::Dot, lanes::Lanes};

/// A matrix of units, `depth` by `columns`, cut into panels of `width` columns. In a panel, the columns of one unit of
/// depth lie side by side, then those of the next; the last panel is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) columns: usize,
    pub(super) depth: usize,
    pub(super) width: usize,
    lanes: usize,
}

/// One panel's place in a matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) first_column: usize,
    /// Without the filling.
    pub(super) columns: usize,
    /// That hold the columns.
    pub(super) vectors: usize,
}

impl Layout {
    /// For rows of `numbers` numbers, in as few panels as can be, of nearly the same width.
    pub(super) fn of<D: Dot>(columns: usize, numbers: usize) -> Self {
        let lanes = D::Lanes::COUNT;
        let vectors = columns.div_ceil(lanes).max(1);
        let width = vectors.div_ceil(vectors.div_ceil(D::VECTORS)) * lanes;
        Self { columns, depth: numbers.max(1).div_ceil(D::PER_UNIT), width, lanes }
    }

    /// Units of one panel.
    pub(super) fn panel_units(&self) -> usize {
        self.depth * self.width
    }

    /// Units of all panels.
    pub(super) fn units(&self) -> usize {
        self.columns.div_ceil(self.width) * self.panel_units()
    }

    #[inline(always)]
    pub(super) fn panels(self) -> impl Iterator<Item = Panel> {
        (0..self.columns).step_by(self.width).map(move |first_column| {
            let columns = (self.columns - first_column).min(self.width);
            Panel { first_column, columns, vectors: columns.div_ceil(self.lanes) }
        })
    }

    /// Spreads one column's units over its panel, from a depth on.
    #[inline(always)]
    pub(super) fn set_column(&self, panels: &mut [u32], column: usize, first: usize, units: &[u32]) {
        assert!(panels.len() >= self.units() && column < self.columns);
        let start = column / self.width * self.panel_units() + column % self.width;
        for (depth, unit) in (first..self.depth).zip(units) {
            // SAFETY: within the column's panel, since `depth` is below the panel's; and all panels are there.
            unsafe { *panels.get_unchecked_mut(start + depth * self.width) = *unit };
        }
    }

    /// The same for columns side by side, given as rows `stride` units apart.
    #[inline(always)]
    pub(super) fn set_columns<L: Lanes>(
        &self,
        lanes: L,
        panels: &mut [u32],
        column: usize,
        rows: &[u32],
        stride: usize,
    ) {
        let whole = if rows.len() == L::COUNT * stride && column.is_multiple_of(L::COUNT) {
            self.depth / L::COUNT * L::COUNT
        } else {
            0
        };
        let start = column / self.width * self.panel_units() + column % self.width;
        for depth in (0..whole).step_by(L::COUNT) {
            let from = rows.get(depth..).unwrap_or_default();
            let to = panels.get_mut(start + depth * self.width..).unwrap_or_default();
            lanes.transpose(from, stride, to, self.width);
        }
        for (column, units) in (column..).zip(rows.chunks_exact(stride)) {
            self.set_column(panels, column, whole, units.get(whole..).unwrap_or_default());
        }
    }
}

/// A packed matrix.
#[derive(Debug)]
pub(super) struct Panels {
    pub(super) layout: Layout,
    pub(super) units: Aligned<u32>,
}
